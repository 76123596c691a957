import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { errorCodes } from '@sallyport/core';
import { hookDefinitions } from '@sallyport/core/engine';
import type { HookName } from '@sallyport/core';
import type { HookDefinition, HookKind } from '@sallyport/core/engine';

import { recordHookOrder } from '../test/flows/hook-order.ts';
import type { Fired, HookOrder } from '../test/flows/hook-order.ts';
import { apiReports } from './api-report.ts';
import { clientSchema } from './client-schema.ts';
import { eventBlocks } from './events-page.ts';
import { hookTypes } from './hook-types.ts';
import { manifestBlocks } from './manifest-page.ts';
import { manifestTypes } from './manifest-types.ts';
import { startTestServer } from '../test/server/test-server.ts';

/**
 * Writes what is printed from code: pages of docs, docs/openapi.json, the types that are made of schemas, and what each
 * package exports, of its built declarations. With `--check`
 * it writes nothing and fails when a file is not what the code says.
 */

/** What a line of the order says beside the hook's name. */
const notes: Readonly<Partial<Record<HookName, string>>> = {
  'login.method': 'unless the request names a method',
  'login.question': 'for each question that is not secret',
  'login.url': 'when the URL has passed the guard',
  'credential.release': 'for each credential that is put on its disk',
  'prompt.event': 'for each event',
};

const flows: Readonly<Record<keyof HookOrder, string>> = {
  connecting: 'Connecting a provider in a browser machine',
  prompting: 'Running a prompt on a machine that is stopped',
  stopping: 'Stopping an idle machine',
};

const kinds: Readonly<Record<HookKind, string>> = {
  AsyncSeriesWaterfall: 'asynchronous waterfall: each tap gets what the one before returned',
  AsyncSeries: 'asynchronous series: each tap runs, one after the other',
  AsyncSeriesBail: 'asynchronous bail: the first answer counts, and the rest are not asked',
  SyncWaterfall: 'synchronous waterfall: each tap gets what the one before returned',
  Sync: 'synchronous: each tap runs',
};

const generatedNote = '<!-- Printed by `npm run docs`. Change the code, not this page. -->';

async function hooksPage(): Promise<string> {
  const recorded = await recordHookOrder();
  const order = [
    `### ${flows.connecting}\n\n${numbered(recorded.connecting)}`,
    `### ${flows.prompting}\n\n${numbered(recorded.prompting)}`,
    `### ${flows.stopping}\n\n${numbered(recorded.stopping)}`,
  ];
  const details = Object.entries<HookDefinition>(hookDefinitions).map(([name, { doc, kind, args, deadlineMs }]) =>
    [
      `### \`${name}\``,
      doc.when,
      [
        `- Kind: ${kinds[kind]} (\`${kind}Hook\`)`,
        `- Arguments: ${args.map((argument) => `\`${argument}\``).join(', ')}`,
        `- Result: ${doc.result}`,
        `- Deadline of each tap: ${deadlineMs === null ? 'none, the hook is synchronous' : `${deadlineMs / 1000} s`}`,
        `- When a tap throws, hangs or returns a wrong answer: ${doc.failure}`,
      ].join('\n'),
    ].join('\n\n'),
  );
  return page([
    '# Hooks',
    generatedNote,
    'A plugin is an object with a `name` and an `apply({ hooks })` that taps hooks. It runs once, at startup; after that, the hooks are frozen.',
    "```ts\nimport type { Plugin } from '@sallyport/core';\n\nexport const audit: Plugin = {\n  name: 'audit',\n  apply: ({ hooks }) => {\n    hooks.event.tap('audit', (event) => console.log(event.type));\n  },\n};\n```",
    "Taps return `undefined` to pass; `null` counts as an answer, and is never a valid one. Arguments are frozen: return a changed copy. `Context` has `userId`, `provider`, `sessionId` and a `signal` that aborts at the deadline of the tap or when the flow is cancelled. A tap that fails surfaces as `PLUGIN_FAILED` or `PLUGIN_TIMED_OUT` with the names of plugin and hook. What a plan returns is cut down to the operator's ceiling. No hook ever receives the bytes of a credential.",
    '## In which order they fire',
    'Recorded from a run of each flow. The lines with `event` show the events that this hook gets in between.',
    ...order,
    '## Each hook',
    ...details,
    '## Types',
    'What the arguments and results consist of.',
    ...(await hookTypes()),
  ]);
}

function numbered(fired: readonly Fired[]): string {
  return fired
    .map(({ hook, event }, index) => {
      const note = isNoted(hook) ? notes[hook] : undefined;
      const line = event === undefined ? `**\`${hook}\`**` : `\`event\`: ${event}`;
      return `${index + 1}. ${line}${note === undefined ? '' : `, ${note}`}`;
    })
    .join('\n');
}

const isNoted = (name: string): name is keyof typeof notes => Object.hasOwn(notes, name);

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { status, retryable, hint }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${hint} |`,
  );
  return page([
    '# Errors',
    generatedNote,
    'Every error has a code from this table. HTTP answers carry it in the problem body (RFC 9457), with a message that says what happened. "Again" says whether the same call may succeed later without any change.',
    ['| Code | HTTP | Again | What to do |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ]);
}

/** As a server answers it: the description is made of the registered routes. */
async function openapiDocument(): Promise<string> {
  const server = await startTestServer();
  const document: unknown = await (await server.request('/openapi.json')).json();
  await server.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}

function page(blocks: readonly string[]): string {
  return `${blocks.join('\n\n')}\n`;
}

const openapi = await openapiDocument();
const pages: Readonly<Record<string, string>> = {
  'docs/hooks.md': await hooksPage(),
  'docs/errors.md': errorsPage(),
  'docs/events.md': page(['# Events', generatedNote, ...eventBlocks()]),
  'docs/manifest.md': page(['# The provider manifest', generatedNote, ...(await manifestBlocks())]),
  'packages/core/src/provider/manifest-input.ts': manifestTypes(),
  'docs/openapi.json': openapi,
  'packages/client/src/api-schema.ts': await clientSchema(openapi),
  ...(await apiReports()),
};
const root = fileURLToPath(new URL('../', import.meta.url));

for (const [path, text] of Object.entries(pages)) {
  const file = root + path;
  if (!process.argv.includes('--check')) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    console.log(`wrote ${path}`);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(`${path} is not what the code says. Run \`npm run docs\` and commit the result.`);
    process.exitCode = 1;
  }
}
