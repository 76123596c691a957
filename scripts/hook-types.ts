import { glob, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { hookDefinitions } from '@sallyport/core/engine';
import type { HookDefinition } from '@sallyport/core/engine';

const source = resolve(import.meta.dirname, '../packages/core/src');

/** Parts of a manifest, by their heading in docs/manifest.md, which says more of them than their declarations. */
const ofManifest: Readonly<Partial<Record<string, string>>> = {
  LoginMethod: 'logins',
  CredentialEnvironmentItem: 'credentials-with-as-environment',
  ManualEntryForm: 'credentialsmanualentry',
  Question: 'question',
};

/** Every type that a tap receives or returns, and the types those consist of, as their declarations in core say. */
export async function hookTypes(): Promise<readonly string[]> {
  const declarations = await readDeclarations();
  const wanted = Object.values<HookDefinition>(hookDefinitions).flatMap(({ args, doc }) => [...args, doc.result]);
  const names = new Set<string>();
  const collect = (text: string): void => {
    for (const [name] of text.matchAll(/\b[A-Z]\w+\b/g)) {
      const declaration = declarations.get(name);
      if (declaration === undefined || names.has(name)) continue;
      names.add(name);
      if (ofManifest[name] === undefined) collect(withoutComments(declaration));
    }
  };
  wanted.forEach(collect);
  return [...names].toSorted().map((name) => {
    const heading = ofManifest[name];
    const body =
      heading === undefined
        ? codeBlock(declarations.get(name) ?? '')
        : `In [the provider manifest](manifest.md#${heading}).`;
    return `### \`${name}\`\n\n${body}`;
  });
}

/** The declarations of these types in core, in this order. */
export async function declarationsOf(names: readonly string[]): Promise<readonly string[]> {
  const declarations = await readDeclarations();
  return names.map((name) => {
    const found = declarations.get(name);
    if (found === undefined) throw new Error(`Core declares no type ${name}.`);
    return codeBlock(found);
  });
}

function codeBlock(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

async function readDeclarations(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const path of glob('**/*.ts', { cwd: source })) {
    if (path.endsWith('.test.ts')) continue;
    const text = await readFile(join(source, path), 'utf8');
    for (const match of text.matchAll(declaration)) {
      const [declared] = match;
      const name = match[1] ?? match[2] ?? '';
      const schema = /z\.infer<typeof (\w+)>/.exec(declared)?.[1];
      found.set(name, schema === undefined ? declared : `${declared}\n\n${schemaOf(text, schema)}`);
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
