"""What each route takes and answers, in the words of OpenAPI: one module for each group of routes.

A route that is added gets an `Operation` in `OPERATIONS` of the module of its group, under its method and
path as the view declares them; the shapes that it answers stand in `SCHEMAS` beside it. A new module is named
in `document`. What the view's docstring says first is the summary. A test fails for a route without an
operation, and every answer in the tests of the API is compared with what stands here.
"""
