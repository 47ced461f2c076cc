"""The SQL in Python files: string constants, found by ast, with the parts of f-strings and sums put together."""

import ast
from collections.abc import Iterator, Mapping

from tools.sql_bodies import READS_OR_CHANGES
from tools.sql_tokens import Token, statements, tokens, words

ANY_BRAND_CONSTANT = "_ANY_BRAND"
ANY_BRAND_FUNCTION = "_any_brand"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def statements_of_queries(source: str) -> Iterator[list[Token]]:
    """Every statement in the strings of a queries.py, but for those whose constant or function is named any_brand."""
    tree = ast.parse(source)
    constants = _constants(tree)
    for node in _strings(tree):
        for statement in statements(tokens(text_of(node, constants), line=node.lineno)):
            if set(words(statement, 1)) & READS_OR_CHANGES and any(token.kind == "blank" for token in statement):
                yield statement


def text_of(node: ast.expr, constants: Mapping[str, ast.expr] | None = None) -> str:
    """The string that the expression makes; what is only known when it runs stands as a name."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part, constants) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return text_of(left, constants) + text_of(right, constants)
        case ast.FormattedValue(value=value):
            return text_of(value, constants)
        case ast.Name(id=name) if constants and name in constants:
            return text_of(constants[name], {key: value for key, value in constants.items() if key != name})
        case _:
            return "filled"


def is_string(node: ast.AST) -> bool:
    """Whether the expression is a string that this module can put together."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return is_string(left) or is_string(right)
        case _:
            return False


def docstrings(tree: ast.AST) -> frozenset[int]:
    """The ids of the string nodes that stand alone as statements."""
    return frozenset(id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and is_string(node.value))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    return {name: value for statement in tree.body for name, value in _assigned(statement) if is_string(value)}


def _assigned(statement: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value


def _strings(tree: ast.Module) -> Iterator[ast.expr]:
    """The outermost string expressions that are neither docstrings nor any_brand's."""
    prose = docstrings(tree)
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function) and node.name.endswith(ANY_BRAND_FUNCTION):
            continue
        if any(name.endswith(ANY_BRAND_CONSTANT) for name, _ in _assigned(node)):
            continue
        if isinstance(node, ast.expr) and is_string(node):
            if id(node) not in prose:
                yield node
        else:
            waiting.extend(ast.iter_child_nodes(node))
