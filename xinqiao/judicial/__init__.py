"""Judicial (公证仲裁): evidence packages for courts, notaries and arbitrators, and the cases they are made for.

Serves 人民法院在线诉讼规则 articles 11 to 18 (data submitted directly; what is reviewed of data kept on a chain),
电子签名法 articles 5, 8, 13 and 14, 民事证据规定 articles 93 and 94. Verbs: open_case, look, make_package, fetch,
close_case.

A case names one loan or one application of one enterprise; nothing outside it is shown under it, and every look is a
line in the enterprise's own list of who looked. A package is one ASiC-E file that needs neither the node nor its
software to be checked: signed under both suites, dated from outside, and its own digest is in the log.
"""
