"""Federation (节点互联): the national node above, city platforms below; one protocol, node to node.

Serves the demand that the provincial node is the hub up and down (上传下达枢纽, 发改办财金〔2022〕299号). Down go the
sharing list and the evaluation guideline; up go registrations, authorisations, products, needs, outcomes, statistics.
Each object is signed by the node it comes from, each feed is a hash chain, and what arrives is taken in together with
the cursor or not at all. Verbs: propose, confirm and end a link; publish, receive, settle what is held, replay.
"""
