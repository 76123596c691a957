import { fieldsOf, manifestNode, sharedName, sharedNodes } from './manifest-schema.ts';
import type { ManifestNode } from './manifest-schema.ts';

/**
 * The type of what an author writes, with the description of each field as its comment. The compiler writes no comments
 * into the declarations of a type that it infers from a schema, so editors would show none.
 */
export function manifestTypes(): string {
  const shared = Object.entries(sharedNodes).map(
    ([name, node]) => `${comment(node, '')}type ${name} = ${typeOf(node, '')};`,
  );
  return [
    '// Printed by `npm run docs` from the schema of manifests. Change the schema, not this file.',
    "import type { z } from 'zod';",
    `/** What an author writes: fields with a default may be left out. docs/manifest.md has the limits of each. */\nexport type ProviderManifestInput = ${typeOf(manifestNode, '')};`,
    ...shared,
    '/** Any JSON value. */\ntype Json = z.core.util.JSONType;\n',
  ].join('\n\n');
}

function typeOf(node: ManifestNode, indent: string): string {
  const name = sharedName(node);
  if (name !== undefined) return name;
  if (node.const !== undefined) return literal(node.const);
  if (node.enum) return node.enum.map(literal).join(' | ');
  const choice = node.oneOf ?? node.anyOf;
  if (choice) return choice.map((one) => typeOf(one, indent)).join(' | ');
  if (node.properties) return objectType(node, indent);
  if (node.items) return listOf(typeOf(node.items, indent));
  if (node.additionalProperties) return `Record<string, ${typeOf(node.additionalProperties, indent)}>`;
  return node.type === 'integer' ? 'number' : (node.type ?? 'unknown');
}

function objectType(node: ManifestNode, indent: string): string {
  const inner = `${indent}  `;
  const members = fieldsOf(node, '').map(({ name, required, node: field }) => {
    const key = /^\w+$/.test(name) ? name : literal(name);
    const type = typeOf(field, inner);
    return `${comment(field, inner)}${inner}${key}${required ? `: ${type}` : `?: ${type} | undefined`};\n`;
  });
  return `{\n${members.join('')}${indent}}`;
}

function comment({ description, default: value }: ManifestNode, indent: string): string {
  if (description === undefined) return '';
  const text = value === undefined ? description : `${description} Default: \`${JSON.stringify(value)}\`.`;
  return `${indent}/** ${text.replaceAll('*/', String.raw`*\/`)} */\n`;
}

function listOf(type: string): string {
  return /^\w+$/.test(type) ? `${type}[]` : `(${type})[]`;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}
