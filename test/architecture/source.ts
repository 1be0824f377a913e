/**
 * What one source file says, read from its syntax tree: imports of every form, and syntax that cannot be erased.
 * Comments, strings and text that merely looks like code do not count. Not here: what is allowed.
 */
import ts from 'typescript';

/** Something found in a file. */
export interface Finding {
  /** From 1. */
  readonly line: number;
  readonly what: string;
}

/** A module that a file names, by `import`, `export ... from`, `import()`, `import('...').T` or `require()`. */
export interface Import extends Finding {
  readonly specifier: string;
}

/** Parses one file; `.tsx`, `.js` and `.d.ts` by their endings. */
export function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

/** All modules that a file names, in order. */
export function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = [];
  each(source, node => {
    const specifier = specifierOf(node);
    if (specifier !== undefined)
      found.push({ line: lineOf(node), specifier: specifier.text, what: `imports ${specifier.text}` });
  });
  return found;
}

/** Enums, parameter properties, namespaces, `import =` and `export =`; none in `.d.ts` files, which are never run. */
export function unerasable(source: ts.SourceFile): Finding[] {
  if (source.isDeclarationFile) return [];
  const found: Finding[] = [];
  each(source, node => {
    const what = unerasableSyntax(node);
    if (what !== undefined) found.push({ line: lineOf(node), what });
  });
  return found;
}

/** Calls `visit` for every node below `root`, parents first. */
export function each(root: ts.Node, visit: (node: ts.Node) => void): void {
  ts.forEachChild(root, child => {
    visit(child);
    each(child, visit);
  });
}

/** The line of a node, from 1. */
export function lineOf(node: ts.Node): number {
  const source = node.getSourceFile();
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}

function specifierOf(node: ts.Node): ts.StringLiteralLike | undefined {
  const named =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isExternalModuleReference(node)
        ? node.expression
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) && isLoading(node.expression)
            ? node.arguments[0]
            : undefined;
  return named !== undefined && ts.isStringLiteralLike(named) ? named : undefined;
}

function isLoading(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

function unerasableSyntax(node: ts.Node): string | undefined {
  if (ts.isEnumDeclaration(node)) return `enum ${node.name.text}`;
  if (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent)) return 'a parameter property';
  if (ts.isImportEqualsDeclaration(node)) return 'import =';
  if (ts.isExportAssignment(node) && node.isExportEquals === true) return 'export =';
  if (ts.isModuleDeclaration(node) && !isDeclared(node)) return 'a namespace';
  return undefined;
}

/** Whether a statement carries `declare`. */
export function isDeclared(node: ts.Node): boolean {
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some(modifier => modifier.kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}
