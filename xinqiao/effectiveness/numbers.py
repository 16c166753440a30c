"""The numbers of the page: what each says and how whoever holds its rows computes it. Pure."""

from __future__ import annotations

from xinqiao.effectiveness.types import MeasureFacts, Scale, Table

_T, _S = Table, Scale
COVER, USE, MONEY, FIRST = "三个全覆盖", "服务使用", "平台促成的贷款", "信用贷款与首贷"
MEASURES = (
    MeasureFacts("counties_covered", "融资服务覆盖的县区", "covered=1 的县区 ÷ 全部县区", _T.COUNTIES, _S.BP, COVER),
    MeasureFacts(
        "sources_covered", "已报送的数据来源单位", "有一项 covered=1 的单位 ÷ 清单上全部单位", _T.SOURCES, _S.BP, COVER
    ),
    MeasureFacts("items_collected", "归集率", "covered=1 的数据项 ÷ 清单上全部数据项", _T.SOURCES, _S.BP, COVER),
    MeasureFacts(
        "institutions_covered", "提供服务的金融机构", "covered=1 的机构 ÷ 登记的全部机构", _T.INSTITUTIONS, _S.BP, COVER
    ),
    MeasureFacts("registered", "实名注册企业", "企业行数", _T.ENTERPRISES, _S.COUNT, USE),
    MeasureFacts("authorised", "给过授权的企业", "authorised_on 不为空的企业", _T.ENTERPRISES, _S.COUNT, USE),
    MeasureFacts("authorisation_rate", "授权率", "给过授权的企业 ÷ 注册企业", _T.ENTERPRISES, _S.BP, USE),
    MeasureFacts("products", "在架产品", "products 之和", _T.INSTITUTIONS, _S.COUNT, USE),
    MeasureFacts("queries", "授权查询次数", "allowed 之和", _T.ACCESSES, _S.COUNT, USE),
    MeasureFacts("applications", "融资申请", "申请行数", _T.APPLICATIONS, _S.COUNT, USE),
    MeasureFacts("decided", "已答复的申请", "decided_on 不为空的申请", _T.APPLICATIONS, _S.COUNT, USE),
    MeasureFacts(
        "decided_in_time",
        "按时答复率",
        "decided_on 不晚于 due_on 的申请 ÷ 有期限的已答复申请",
        _T.APPLICATIONS,
        _S.BP,
        USE,
    ),
    MeasureFacts("offer_rate", "通过率", "decision=offer 的申请 ÷ 已答复的申请", _T.APPLICATIONS, _S.BP, USE),
    MeasureFacts("lent", "累计放款", "attributed=1 的 amount_fen 之和", _T.LOANS, _S.FEN, MONEY),
    MeasureFacts("lent_this_year", "当年放款", "attributed=1 且当年放款的 amount_fen 之和", _T.LOANS, _S.FEN, MONEY),
    MeasureFacts("balance", "贷款余额", "attributed=1 的 balance_fen 之和", _T.LOANS, _S.FEN, MONEY),
    MeasureFacts("borrowers", "有余额的企业", "attributed=1 且有余额的企业数（去重）", _T.LOANS, _S.COUNT, MONEY),
    MeasureFacts("average", "户均余额", "贷款余额 ÷ 有余额的企业", _T.LOANS, _S.FEN, MONEY),
    MeasureFacts("rate", "当年新发放加权平均利率", "当年放款 amount×rate 之和 ÷ amount 之和", _T.LOANS, _S.BP, MONEY),
    MeasureFacts("npl", "不良率", "次级、可疑、损失的余额 ÷ 贷款余额", _T.LOANS, _S.BP, MONEY),
    MeasureFacts("credit_balance", "信用贷款余额", "guarantee=D 的 balance_fen 之和", _T.LOANS, _S.FEN, FIRST),
    MeasureFacts("credit_share", "信用贷款占比", "信用贷款余额 ÷ 贷款余额", _T.LOANS, _S.BP, FIRST),
    MeasureFacts(
        "credit_lent_share", "累计放款中信用贷款占比", "guarantee=D 的 amount_fen ÷ 累计放款", _T.LOANS, _S.BP, FIRST
    ),
    MeasureFacts(
        "small_credit_balance", "小微企业信用贷款余额", "guarantee=D 且小型、微型企业的余额", _T.LOANS, _S.FEN, FIRST
    ),
    MeasureFacts(
        "small_credit_share", "小微企业占信用贷款余额", "小微企业信用贷款余额 ÷ 信用贷款余额", _T.LOANS, _S.BP, FIRST
    ),
    MeasureFacts(
        "first_loans", "当年首贷户", "当年放款、first_loan=1 且 sole=0 的企业数（去重）", _T.LOANS, _S.COUNT, FIRST
    ),
    MeasureFacts(
        "first_loans_before",
        "上年首贷户",
        "上年放款、first_loan=1 且 sole=0 的企业数（去重）",
        _T.LOANS,
        _S.COUNT,
        FIRST,
    ),
    MeasureFacts(
        "first_loans_sole",
        "当年首贷个体工商户",
        "当年放款、first_loan=1 且 sole=1 的个体工商户数（去重）",
        _T.LOANS,
        _S.COUNT,
        FIRST,
    ),
    MeasureFacts("first_loan_rate", "首贷率", "当年首贷户 ÷ 当年新获贷的非个体企业", _T.LOANS, _S.BP, FIRST),
    MeasureFacts(
        "inclusive_regulator", "普惠型小微贷款余额（监管口径）", "inclusive_regulator=1 的余额", _T.LOANS, _S.FEN, FIRST
    ),
    MeasureFacts(
        "inclusive_central_bank",
        "普惠小微贷款余额（人民银行口径）",
        "inclusive_central_bank=1 的余额",
        _T.LOANS,
        _S.FEN,
        FIRST,
    ),
)
BY_CODE = {facts.code: facts for facts in MEASURES}
