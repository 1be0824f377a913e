/**
 * What the files of pure packages take from the world around them. The compiler's own scopes tell a global from a
 * local name, a parameter or a property of the same name; its libraries are left out, so that whatever it cannot
 * resolve is a global.
 */
import ts from 'typescript';
import { ALLOWED_GLOBALS, FORBIDDEN_GLOBALS, type Rule } from './rules.ts';
import { each, type Finding, isDeclared, lineOf } from './source.ts';

/** Something impure, and which rule it breaks. */
export interface Impurity extends Finding {
  readonly path: string;
  readonly rule: Rule;
}

/** All that is impure in these files, by path. */
export function impurities(files: ReadonlyMap<string, ts.SourceFile>): Impurity[] {
  const checker = programOf(files).getTypeChecker();
  const found: Impurity[] = [];
  for (const [path, source] of files) {
    each(source, node => {
      const rule = ruleBrokenBy(node, checker);
      if (rule === undefined) return;
      found.push({ path, rule, line: lineOf(node), what: `uses ${node.getText().split('\n', 1)[0]}` });
    });
  }
  return found;
}

function ruleBrokenBy(node: ts.Node, checker: ts.TypeChecker): Rule | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword || node.kind === ts.SyntaxKind.AwaitKeyword) return 'promise';
  if (ts.isAwaitExpression(node)) return 'promise';
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return 'promise';
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) return 'host-global';
  if (isAmbientValue(node)) return 'host-global';
  return ts.isIdentifier(node) && !isPropertyName(node) ? ruleBrokenByName(node, checker) : undefined;
}

function ruleBrokenByName(node: ts.Identifier, checker: ts.TypeChecker): Rule | undefined {
  const name = node.text;
  if (name !== 'globalThis' && isDeclaredHere(node, checker)) return undefined;
  const forbidden = Object.hasOwn(FORBIDDEN_GLOBALS, name) ? FORBIDDEN_GLOBALS[name] : undefined;
  if (forbidden !== undefined) return forbidden;
  if (name === 'Math') return isDeterministicMath(node) ? undefined : 'chance';
  return ts.isPartOfTypeNode(node) || ALLOWED_GLOBALS.has(name) ? undefined : 'host-global';
}

/** `Math.floor` and the like; not `Math.random`, nor Math handed on or taken apart. */
function isDeterministicMath(node: ts.Identifier): boolean {
  const { parent } = node;
  return ts.isPropertyAccessExpression(parent) && parent.expression === node && parent.name.text !== 'random';
}

/** Whether the declaration behind a name stands in the same file, which every import and local name does. */
function isDeclaredHere(node: ts.Identifier, checker: ts.TypeChecker): boolean {
  const symbol = ts.isShorthandPropertyAssignment(node.parent)
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node);
  return symbol?.declarations?.some(each => each.getSourceFile() === node.getSourceFile()) ?? false;
}

/** Names that are looked up in a value or module, not in a scope. */
function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return true;
  if (ts.isImportTypeNode(parent) || ts.isMetaProperty(parent) || ts.isNamespaceExport(parent)) return true;
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent)) return true;
  return ts.isNamedTupleMember(parent) && parent.name === node;
}

/** `declare const performance: ...` would make a global look like a local name. */
function isAmbientValue(node: ts.Node): boolean {
  const isValue =
    ts.isVariableStatement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isModuleDeclaration(node);
  return isValue && isDeclared(node);
}

/** A program of just these files, without libraries and without following imports. */
function programOf(files: ReadonlyMap<string, ts.SourceFile>): ts.Program {
  const options: ts.CompilerOptions = {
    noLib: true,
    noResolve: true,
    types: [],
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
  };
  return ts.createProgram([...files.keys()], options, {
    getSourceFile: path => files.get(path),
    fileExists: path => files.has(path),
    readFile: path => files.get(path)?.text,
    writeFile: () => {},
    getDefaultLibFileName: () => 'lib.d.ts',
    getCurrentDirectory: () => '',
    getCanonicalFileName: path => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
  });
}
