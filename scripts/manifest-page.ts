import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { loginEventBlocks } from './events-page.ts';
import { declarationsOf } from './hook-types.ts';
import { fieldsOf, manifestNode, partsOf, shapesOf, sharedName, sharedNodes } from './manifest-schema.ts';
import type { ManifestField, ManifestNode } from './manifest-schema.ts';

/** Everything that an author of a provider has to know of a manifest, from the schema that checks it. */
export async function manifestBlocks(): Promise<readonly string[]> {
  const [smallest, withLogin] = await Promise.all(
    ['smallest-manifest.ts', '../packages/create-sallyport-provider/template/src/manifest.ts'].map((path) =>
      readFile(join(import.meta.dirname, path), 'utf8'),
    ),
  );
  return [
    'Every field of a provider manifest, what a login observes, and the events that it sends. [Write a provider](write-a-provider.md) goes through them step by step. The descriptions are also in the types: hover over a field of a `ProviderManifestInput` in your editor.',
    '## The smallest manifest',
    'A provider that takes an API key. Nothing can be left out of it.',
    `\`\`\`ts\n${smallest}\`\`\``,
    '`manifestSchema.parse(manifest)` checks a manifest and fills in the defaults. Unknown fields are errors. A provider is `{ manifest }` with the [functions](#the-functions-of-a-provider) that it needs.',
    '## A manifest with a login',
    'What `npm create sallyport-provider my-cli` writes, for a CLI with a device code and a credential file.',
    `\`\`\`ts\n${withLogin}\`\`\``,
    '## Fields',
    'In a path, `[]` stands for each item of a list. The type of a required field is bold. Several tables for one path are alternatives.',
    ...objectBlocks({ path: '', node: manifestNode }, '###'),
    '## Shared types',
    ...Object.entries(sharedNodes).flatMap(([name, node]) => sharedBlocks(name, node)),
    ...matcherBlocks,
    '## What a login observes',
    'The login engine decides by these observations and nothing else.',
    ...(await declarationsOf(['LoginObservation', 'ScreenView'])),
    '## The events of a login',
    'What the user gets over HTTP while a login runs, as in [Events](events.md). Every event has a `status`, a `phase` and a `message` for the user.',
    ...loginEventBlocks('###'),
    '## The functions of a provider',
    'What `parse` gets is an `Observation`. What it returns are events of a [prompt](events.md#a-prompt).',
    ...(await declarationsOf(['Provider', 'PromptParser', 'Observation', 'CredentialFiles', 'CredentialFacts'])),
  ];
}

/** What the manifest cannot say of itself: which text a matcher gets. */
const matcherBlocks = [
  '### What a matcher looks at',
  [
    '| Where | Text |',
    '| --- | --- |',
    '| a terminal login | the whole screen with its scroll-back, without escape sequences; a line that the terminal wrapped is one line |',
    '| a JSON-RPC login, refresh or prompt | one message as lines: what it is, then each value with its JSON pointer, in alphabetical order of the keys |',
    '| `reloginNeeded` of a prompt | one line of output, or one message |',
    '| `revoked` | one line of output |',
    '| `shape` | the answer or value, without the white space around it |',
  ].join('\n'),
  'A message of a JSON-RPC connection reads like this. `login` is the id of the step whose request is answered. `userCode` and the links of `url` are taken from all messages so far.',
  '```\naccount/login/completed\naccount/login/completed /success true\nlogin result\nlogin result /authUrl https://…\nlogin error /message …\n```',
];

function sharedBlocks(name: string, node: ManifestNode): readonly string[] {
  const parts = partsOf(node, '');
  return [
    `### \`${name}\``,
    node.description ?? '',
    ...parts.flatMap(({ node: part }) => objectBlocks({ path: '', node: part, label: labelOf(part, parts) }, '####')),
  ];
}

interface Part {
  readonly path: string;
  readonly node: ManifestNode;
  /** What tells it from the other shapes of the same path. */
  readonly label?: string | undefined;
}

/** The table of an object's fields, and then the objects in it. */
function objectBlocks({ path, node, label }: Part, level: string): readonly string[] {
  const fields = fieldsOf(node, path);
  const title = [path === '' ? undefined : `\`${path}\``, label].filter((part) => part !== undefined).join(' ');
  return [
    ...(title === '' ? [] : [`${level} ${title}`]),
    fieldTable(fields),
    ...fields.flatMap((field) => {
      const parts = partsOf(field.node, field.path);
      return parts.flatMap((part) => objectBlocks({ ...part, label: labelOf(part.node, parts) }, level));
    }),
  ];
}

/** `kind: 'send'`, or the fields that only this shape requires; nothing without a choice. */
function labelOf(node: ManifestNode, parts: readonly { readonly node: ManifestNode }[]): string | undefined {
  if (parts.length < 2) return undefined;
  const fixed = fieldsOf(node, '').find(({ node: field }) => field.const !== undefined || field.enum);
  if (fixed?.required) return `with \`${fixed.name}: ${shapeType(fixed.node)}\``;
  const others = parts.filter((part) => part.node !== node).flatMap((part) => part.node.required ?? []);
  const own = (node.required ?? []).find((name) => !others.includes(name));
  return own === undefined ? undefined : `with \`${own}\``;
}

function fieldTable(fields: readonly ManifestField[]): string {
  const rows = fields.map(({ path, node, required }) => [
    `\`${path}\``,
    required ? `**${typeOf(node)}**` : typeOf(node),
    defaultOf(node, required),
    limitsOf(node),
    node.description ?? '',
  ]);
  return table(['Field', 'Type', 'Default', 'Limits', 'Meaning'], rows);
}

function defaultOf(node: ManifestNode, required: boolean): string {
  if (required) return 'required';
  return node.default === undefined ? 'optional' : `\`${JSON.stringify(node.default)}\``;
}

/** In a cell, so without line breaks. Each object has a table. */
function typeOf(node: ManifestNode): string {
  return [...new Set(shapesOf(node).map(oneType))].join(' or ');
}

function oneType(node: ManifestNode): string {
  const name = sharedName(node);
  if (name === 'Json') return 'JSON';
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
  if (node.const !== undefined || node.enum) return `\`${shapeType(node)}\``;
  if (node.items) return `list of ${typeOf(node.items)}`;
  if (node.additionalProperties) return `map of ${typeOf(node.additionalProperties)}`;
  if (node.type === 'integer') return 'whole number';
  return node.type ?? 'JSON';
}

function shapeType({ const: value, enum: values = [value] }: ManifestNode): string {
  return values.map((each) => (typeof each === 'string' ? `'${each}'` : JSON.stringify(each))).join(' | ');
}

function limitsOf(node: ManifestNode): string {
  const shapes = shapesOf(node);
  if (shapes.length > 1)
    return shapes
      .map(limitsOf)
      .filter((limit) => limit !== '')
      .join('; ');
  const inner = node.items ?? (node.additionalProperties || undefined);
  return [
    range(node.minLength, node.maxLength, 'character'),
    range(node.minItems, node.maxItems, 'item'),
    range(bounded(node.minimum), bounded(node.maximum), ''),
    node.propertyNames && limitsOf(node.propertyNames) !== '' ? `each key: ${limitsOf(node.propertyNames)}` : '',
    inner && limitsOf(inner) !== '' ? `each: ${limitsOf(inner)}` : '',
    // The message of an error says what is wrong with a value.
    ...(node.rules ?? []).map((rule) => (rule.startsWith('must ') ? rule : `refused if it ${rule}`)),
    node.rules || node.format === 'uri' || node.format === 'date' ? '' : quoted(node.pattern),
    node.format === 'date' ? '`YYYY-MM-DD`' : '',
  ]
    .filter((limit) => limit !== '')
    .join('; ');
}

/** Not the bounds that every whole number has. */
function bounded(bound: number | undefined): number | undefined {
  return bound === undefined || Number.isSafeInteger(bound + Math.sign(bound)) ? bound : undefined;
}

function range(least: number | undefined, most: number | undefined, unit: string): string {
  const [from, to] = [least, most].map((bound) => bound?.toLocaleString('en'));
  const text =
    from !== undefined && to !== undefined
      ? `${from} to ${to}`
      : from !== undefined
        ? `at least ${from}`
        : to !== undefined
          ? `at most ${to}`
          : '';
  return text === '' || unit === '' ? text : `${text} ${unit}${text === 'at least 1' ? '' : 's'}`;
}

/** Patterns that say more than they hide. The rules of longer ones have words. */
const LONGEST_PATTERN = 60;

function quoted(pattern: string | undefined): string {
  return pattern === undefined || pattern.length > LONGEST_PATTERN ? '' : `\`${pattern}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [head, head.map(() => '---'), ...rows].map(line).join('\n');
}
