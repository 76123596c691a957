import { glob, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { parseSync } from 'vite';

const root = resolve(import.meta.dirname, '..');

/** A declaration file, by what it declares and what it takes from elsewhere. */
interface Module {
  /** Text of each declaration without its comments; of a function, its overloads. */
  readonly declared: ReadonlyMap<string, readonly string[]>;
  /** What it exports under a name, and where that comes from. */
  readonly exported: ReadonlyMap<string, { readonly name: string; readonly from?: string }>;
  /** Files all of whose exports are exported. */
  readonly everythingOf: readonly string[];
}

/**
 * What each entry point of each package exports, as the built declarations have it, by the path of its report. A change of
 * the public API is a change of these files, to be seen where it is reviewed.
 */
export async function apiReports(): Promise<Readonly<Record<string, string>>> {
  const reports: Record<string, string> = {};
  for await (const path of glob('packages/*/package.json', { cwd: root })) {
    const { name, exports }: { name: string; exports: Record<string, { types?: string } | string> } = JSON.parse(
      await readFile(join(root, path), 'utf8'),
    );
    for (const [entry, target] of Object.entries(exports)) {
      if (typeof target === 'string' || target.types === undefined) continue;
      const called = entry === '.' ? 'index' : entry.slice('./'.length);
      const exported = await exportsOf(join(root, dirname(path), target.types));
      const specifier = entry === '.' ? name : `${name}/${called}`;
      reports[`${dirname(path)}/api/${called}.md`] = report(specifier, exported);
    }
  }
  return reports;
}

function report(specifier: string, exported: ReadonlyMap<string, readonly string[]>): string {
  const declarations = [...exported].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, texts]) => texts);
  return [
    `# ${specifier}`,
    '<!-- Printed by `npm run docs`. Change the code, not this page. -->',
    `\`\`\`ts\n${declarations.join('\n\n')}\n\`\`\``,
    '',
  ].join('\n\n');
}

/** The declarations behind every exported name. */
async function exportsOf(file: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const { declared, exported, everythingOf } = await readModule(file);
  for (const [as, { name, from }] of exported) {
    const texts = from === undefined ? declared.get(name) : (await exportsOf(from)).get(name);
    if (texts === undefined) throw new Error(`${file} exports ${as}, which nothing declares.`);
    found.set(as, texts);
  }
  for (const other of everythingOf) {
    for (const [name, texts] of await exportsOf(other)) found.set(name, texts);
  }
  return found;
}

const modules = new Map<string, Promise<Module>>();

function readModule(file: string): Promise<Module> {
  const known = modules.get(file) ?? parseModule(file);
  modules.set(file, known);
  return known;
}

async function parseModule(file: string): Promise<Module> {
  const text = await readFile(file, 'utf8');
  const { program, comments, errors } = parseSync(file, text, { lang: 'dts' });
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`);
  const declared = new Map<string, string[]>();
  const exported = new Map<string, { name: string; from?: string }>();
  const everythingOf: string[] = [];
  /** Without comments, which change more often than what they are about, and lie in the docs. */
  const textOf = ({ start, end }: { readonly start: number; readonly end: number }): string =>
    comments
      .filter((comment) => comment.start >= start && comment.end <= end)
      .toReversed()
      .reduce(
        (rest, comment) => rest.slice(0, comment.start - start) + rest.slice(comment.end - start),
        text.slice(start, end),
      )
      .replaceAll(/^\s*\n/gm, '');
  const declare = (name: string, node: { readonly start: number; readonly end: number }): void => {
    declared.set(name, [...(declared.get(name) ?? []), textOf(node)]);
  };
  const fileOf = (specifier: string): string => join(dirname(file), specifier.replace(/\.(js|ts)$/, '.d.ts'));
  const imported = new Map<string, { name: string; from: string }>();
  for (const statement of program.body) {
    if (statement.type === 'ExportAllDeclaration') everythingOf.push(fileOf(statement.source.value));
    if (statement.type === 'ImportDeclaration') {
      for (const specifier of statement.specifiers) {
        if (specifier.type !== 'ImportSpecifier' || specifier.imported.type !== 'Identifier') continue;
        imported.set(specifier.local.name, { name: specifier.imported.name, from: fileOf(statement.source.value) });
      }
    }
    if (statement.type !== 'ExportNamedDeclaration') {
      for (const name of namesOf(statement)) declare(name, statement);
      continue;
    }
    for (const { local, exported: as } of statement.specifiers) {
      if (local.type !== 'Identifier' || as.type !== 'Identifier') continue;
      const from = statement.source === null ? {} : { from: fileOf(statement.source.value) };
      exported.set(as.name, { name: local.name, ...from });
    }
    if (statement.declaration === null) continue;
    for (const name of namesOf(statement.declaration)) {
      declare(name, statement);
      exported.set(name, { name });
    }
  }
  for (const [as, { name, from }] of exported) {
    const origin = from === undefined && !declared.has(name) ? imported.get(name) : undefined;
    if (origin) exported.set(as, origin);
  }
  return { declared, exported, everythingOf };
}

type Statement = ReturnType<typeof parseSync>['program']['body'][number];

function namesOf(statement: Statement): readonly string[] {
  switch (statement.type) {
    case 'VariableDeclaration':
      return statement.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
    case 'FunctionDeclaration':
    case 'TSDeclareFunction':
    case 'ClassDeclaration':
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
    case 'TSEnumDeclaration':
      return statement.id === null ? [] : [statement.id.name];
    default:
      return [];
  }
}
