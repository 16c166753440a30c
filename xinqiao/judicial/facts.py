"""Words for the facts of a matter and of what is collected about it. Pure."""

from __future__ import annotations

FACTS = {
    "number": "编号",
    "contract_no": "授信编号",
    "product": "产品",
    "amount_fen": "放款金额",
    "limit_fen": "授信额度",
    "balance_fen": "余额（最近一次反馈）",
    "asked_fen": "申请金额",
    "rate_bp": "年利率",
    "guarantee": "担保方式",
    "approved_on": "批准日期",
    "drawn_on": "放款日期",
    "due_on": "到期日期",
    "settled_on": "结清日期",
    "five_class": "五级分类",
    "overdue_days": "逾期天数",
    "overdue_fen": "逾期金额（本息）",
    "months": "期限（月）",
    "purpose": "用途",
    "state": "申请状态",
    "made_at": "提出申请时间",
    "application": "对应的融资申请",
    "authorisation": "所依据的授权",
    "disputed_item": "有异议的数据项",
    "received_at": "收到异议时间",
    "forward_due_on": "应转送日期",
    "forwarded_at": "转送时间",
    "answer_due_on": "应答复日期",
    "verdict": "核查结论",
    "dispute_clause": "争议解决条款（法院或仲裁机构）",
    "enforceable": "是否办理赋强公证",
}
NOT_HELD = "节点未收录，由当事人提交"
