"""Running a compiled project: the tools that are needed, what they build, and what came out.

Here lives what turns a project's folder into integers and cycles. What a project must give instead lives in
`bnnfpga.golden`; comparing the two is the business of the modules here that do so, and of nothing in `flows/`.
"""
