import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { errorCodes, hookTable } from '@sallyport/core';
import type { HookFacts, HookName } from '@sallyport/core';

import { startTestServer } from '../test/server/test-server.ts';

/**
 * Writes what is printed from code: docs/hooks.md, docs/errors.md and docs/openapi.json. With `--check` it writes
 * nothing and fails when a file is not what the code says.
 */

interface Step {
  /** `do` is what happens without plugins. */
  readonly hook?: HookName;
  readonly text: string;
}

const hook = (name: HookName, text = ''): Step => ({ hook: name, text });
const step = (text: string): Step => ({ text });

/** The order in which hooks fire: what makes them learnable. `event` fires at every change of state in between. */
const flows: Readonly<Record<string, readonly Step[]>> = {
  'Connecting a provider': [
    hook('login.method', 'unless the request names a method'),
    hook('network.plan', 'for the sign-in'),
    hook('machine.plan', 'for the browser machine'),
    step('the machine boots and its agent answers'),
    hook('machine.started'),
    step('the CLI starts its login'),
    hook('login.prompt', 'for each question the manifest leaves open'),
    hook('login.url', 'when the link has passed the guard'),
    step('the user signs in, and the CLI writes its credential'),
    hook('credential.captured'),
    step('the credential is sealed and stored'),
    hook('machine.stopping', 'with the reason `login-over`'),
    step('the browser machine is destroyed'),
  ],
  'Waking a machine and running a prompt': [
    hook('prompt.plan'),
    step('when the machine does not run yet, or a newer login is stored:'),
    hook('network.plan', 'for the work'),
    hook('machine.plan', 'for the CLI machine'),
    step('what the machine rotated unseen is read from its disk'),
    hook('credential.release', 'for each login that is put on its disk'),
    step('the machine boots and its agent answers'),
    hook('machine.started'),
    step('the CLI runs the prompt'),
    hook('prompt.event', 'for each event'),
  ],
  'Stopping a machine': [
    hook('machine.stopping', 'with the reason, for instance `idle`'),
    step('the credential is captured, and the machine stops'),
    step('what it rotated last is read from its disk'),
  ],
};

const kinds: Readonly<Record<HookFacts['kind'], string>> = {
  AsyncSeriesWaterfall: 'asynchronous waterfall: each tap gets what the one before returned',
  AsyncSeries: 'asynchronous series: each tap runs, one after the other',
  AsyncSeriesBail: 'asynchronous bail: the first answer counts, and the rest are not asked',
  SyncWaterfall: 'synchronous waterfall: each tap gets what the one before returned',
  Sync: 'synchronous: each tap runs',
};

const generatedNote = '<!-- Printed by `npm run docs`. Change the code, not this page. -->';

function hooksPage(): string {
  const facts = Object.entries<HookFacts>(hookTable);
  const order = Object.entries(flows).map(([title, steps]) => `### ${title}\n\n${numbered(steps)}`);
  const details = facts.map(([name, entry]) =>
    [
      `### \`${name}\``,
      entry.when,
      [
        `- Kind: ${kinds[entry.kind]} (\`${entry.kind}Hook\`)`,
        `- Arguments: ${entry.arguments.map((argument) => `\`${argument}\``).join(', ')}`,
        `- Result: ${entry.result}`,
        `- Deadline of each tap: ${entry.deadlineMs === null ? 'none, the hook is synchronous' : `${entry.deadlineMs / 1000} s`}`,
        `- When a tap throws, hangs or answers nonsense: ${entry.failure}`,
      ].join('\n'),
    ].join('\n\n'),
  );
  return page([
    '# Hooks',
    generatedNote,
    'A plugin is an object with a `name` and an `apply({ hooks })` that taps hooks. It runs once, at the start; afterwards the hooks are frozen.',
    "```ts\nimport type { Plugin } from '@sallyport/core';\n\nexport const audit: Plugin = {\n  name: 'audit',\n  apply: ({ hooks }) => {\n    hooks.event.tap('audit', (event) => console.log(event.type));\n  },\n};\n```",
    "Taps return `undefined` to pass; `null` is an answer, and never a good one. Arguments are frozen: return a changed copy. `Context` has `userId`, `provider`, `sessionId` and a `signal` that aborts at the deadline of the tap or when the flow is cancelled. A tap that fails surfaces as `PLUGIN_FAILED` or `PLUGIN_TIMED_OUT` with the names of plugin and hook. What a plan returns is cut down to the operator's ceiling. No hook ever receives the bytes of a credential.",
    '## In which order they fire',
    ...order,
    'The hook `event` fires at every change of state in all of them.',
    '## Each hook',
    ...details,
  ]);
}

function numbered(steps: readonly Step[]): string {
  return steps
    .map(({ hook: name, text }, index) => {
      const line = name === undefined ? text : `**\`${name}\`**${text === '' ? '' : `, ${text}`}`;
      return `${index + 1}. ${line}`;
    })
    .join('\n');
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { status, retryable, hint }]) => `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${hint} |`,
  );
  return page([
    '# Errors',
    generatedNote,
    'Every error has a code of this table. HTTP answers carry it in the problem body (RFC 9457), with a message that says what happened. "Again" tells whether the same call may succeed later without anybody changing anything.',
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

const pages = {
  'docs/hooks.md': hooksPage(),
  'docs/errors.md': errorsPage(),
  'docs/openapi.json': await openapiDocument(),
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
