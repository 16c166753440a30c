"""What cases and packages refuse, and what to do then. Pure."""

from __future__ import annotations

from xinqiao.kernel.errors import Corrupt, Invalid, NotFound, Refused


class InvalidCase(Invalid):
    """A case is not fully described; every fault is named."""

    code = "judicial.invalid_case"
    title = "案件信息有 {count} 处需要修改"
    clause = "调取证据须有案号和法律文书；范围限于本案（人民法院在线诉讼规则）"
    next_step = "请填写案号、文书编号，以及借据、申请或异议编号和企业统一社会信用代码"


class UnknownMatter(NotFound):
    """No such loan, application or dispute of that enterprise. It is not said which part does not fit."""

    code = "judicial.unknown_matter"
    title = "没有找到与所填企业、机构和编号都相符的贷款、申请或异议"
    next_step = "请按合同或借据核对三项内容后重试；本次查找已留痕"


class UnknownCase(NotFound):
    """There is no such case, or it is another body's; data: ``case``."""

    code = "judicial.unknown_case"
    title = "没有编号为 {case} 的案件"


class UnknownPackage(NotFound):
    """There is no such package, or it belongs to another body's case; data: ``package``."""

    code = "judicial.unknown_package"
    title = "没有编号为 {package} 的证据包"


class PackageErased(NotFound):
    """The package is gone with the data of the enterprise it was about; data: ``package``."""

    code = "judicial.package_erased"
    title = "证据包 {package} 已随企业数据依法删除，日志中只保留其摘要"


class AlreadyOpen(Refused):
    """The same body has an open case with this number about the same matter; data: ``case``."""

    code = "judicial.already_open"
    title = "该案号已有在办案件 {case}"
    next_step = "请打开该案件继续办理"
    status = 409


class PackageTooLarge(Refused):
    """A package would be larger than may be handed out; data: ``size``, ``most``."""

    code = "judicial.package_too_large"
    title = "证据包有 {size} 字节，超过上限 {most}"
    next_step = "请联系节点运行人员：材料过多，需分案生成"


class CertificateUnfit(Corrupt):
    """The certificate for packages does not belong to the key, or cannot be read; data: ``what``."""

    code = "judicial.certificate_unfit"
    title = "证据包签署证书不可用：{what}"
    clause = "电子签名法第十三条"
    next_step = "请核对 XINQIAO_PACKAGE_CERTIFICATE 指向的证书链与密钥是否配套"


class InvalidPackage(Invalid):
    """The content's settings of packages cannot be used."""

    code = "judicial.invalid_content"
    title = "证据包内容设置有 {count} 处错误"
    next_step = "请修改内容包中的 judicial/package.toml"
