import { glob, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { hookDefinitions } from '@sallyport/core';
import type { HookDefinition } from '@sallyport/core';

const source = resolve(import.meta.dirname, '../packages/core/src');

/** Whole manifests hang on these: the page names the file instead. */
const onlyNamed: ReadonlySet<string> = new Set(['LoginMethod', 'CredentialEnvironmentItem', 'ManualEntryForm']);

/** Every type that a tap receives or returns, and the types those consist of, as their declarations in core say. */
export async function hookTypes(): Promise<readonly string[]> {
  const declarations = await readDeclarations();
  const wanted = Object.values<HookDefinition>(hookDefinitions).flatMap(({ args, doc }) => [...args, doc.result]);
  const names = new Set<string>();
  const collect = (text: string): void => {
    for (const [name] of text.matchAll(/\b[A-Z]\w+\b/g)) {
      const declaration = declarations.get(name);
      if (!declaration || names.has(name)) continue;
      names.add(name);
      if (!onlyNamed.has(name)) collect(withoutComments(declaration.text));
    }
  };
  wanted.forEach(collect);
  return [...names].toSorted().map((name) => {
    const { text = '', path = '' } = declarations.get(name) ?? {};
    const body = onlyNamed.has(name) ? `In \`packages/core/src/${path}\`.` : `\`\`\`ts\n${text}\n\`\`\``;
    return `### \`${name}\`\n\n${body}`;
  });
}

/** The declarations of these types in core, in this order. */
export async function declarationsOf(names: readonly string[]): Promise<readonly string[]> {
  const declarations = await readDeclarations();
  return names.map((name) => {
    const found = declarations.get(name);
    if (!found) throw new Error(`Core declares no type ${name}.`);
    return `\`\`\`ts\n${found.text}\n\`\`\``;
  });
}

interface Declaration {
  readonly path: string;
  readonly text: string;
}

async function readDeclarations(): Promise<ReadonlyMap<string, Declaration>> {
  const found = new Map<string, Declaration>();
  for await (const path of glob('**/*.ts', { cwd: source })) {
    if (path.endsWith('.test.ts')) continue;
    const text = await readFile(join(source, path), 'utf8');
    for (const match of text.matchAll(declaration)) {
      const [declared] = match;
      const name = match[1] ?? match[2] ?? '';
      const schema = /z\.infer<typeof (\w+)>/.exec(declared)?.[1];
      found.set(name, { path, text: schema === undefined ? declared : `${declared}\n\n${schemaOf(text, schema)}` });
    }
  }
  return found;
}

/** With the comment right above it, to the brace that closes it or the semicolon before an empty line. */
const declaration =
  /(?:^\/\*\*(?:(?!\*\/)[^])*\*\/\n)?^(?:export )?(?:interface (\w+)[^]*?^\}|type (\w+)[^]*?;$(?=\n\n|\n?(?![^])))/gm;

function schemaOf(text: string, name: string): string {
  return new RegExp(`^(?:export )?const ${name}\\b[^]*?;$(?=\\n\\n|\\n?(?![^]))`, 'm').exec(text)?.[0] ?? '';
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '');
}
