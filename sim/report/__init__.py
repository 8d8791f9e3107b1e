"""Reports: one self-contained page that opens offline, with pictures drawn where it was made.

`page` is the paper, `drawing` the pen, `charts` what is drawn; `simulate_report`,
`benchmark_report` and `fit_report` say what goes on the page.
"""
