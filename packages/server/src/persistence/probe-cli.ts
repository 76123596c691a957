import { randomUUID } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core/driver';
import type { AgentClient, ExecuteEvent } from '@sallyport/core/protocol';

/** The probe stands where a provider's CLI would: it is shown to the machine, and runs as a prompt does. */
export const PROBE = 'persistence_probe';

const PROGRAM = 'node_modules/probe.mjs';

/** What the probe is told: to write the files of a round, or to say what is there. */
export interface ProbeTask {
  readonly do: 'write' | 'read';
  readonly round: number;
}

/** Path below the user's directory → kind, mode, size and SHA-256. */
export type Snapshot = ReadonlyMap<string, string>;

/** Puts the probe below this directory, and returns it for a plan. */
export async function writeProbeCli(directory: string): Promise<MachinePlan['clis'][number]> {
  const program = join(directory, PROGRAM);
  await mkdir(dirname(program), { recursive: true, mode: 0o755 });
  // Machines run as other users.
  await chmod(directory, 0o755);
  await writeFile(program, source, { mode: 0o644 });
  return { provider: PROBE, directory };
}

/** Runs the probe in a machine; resolves to what is in the user's directory afterwards. */
export async function runProbe(agent: AgentClient, task: ProbeTask, signal: AbortSignal): Promise<Snapshot> {
  const request = {
    runId: randomUUID(),
    provider: PROBE,
    cli: { bin: { [`${process.platform}-${process.arch}`]: PROGRAM }, env: {}, settings: [] },
    argv: ['-'],
    prompt: JSON.stringify(task),
    workingDirectory: '~/work',
    timeoutMs: 120_000,
    maxOutputBytes: 4 * 1024 * 1024,
  };
  const lines: string[] = [];
  const errors: string[] = [];
  let exit: Extract<ExecuteEvent, { type: 'exit' }> | undefined;
  for await (const event of agent.execute(request, signal)) {
    if (event.type === 'stdout') lines.push(event.line);
    if (event.type === 'stderr') errors.push(event.line);
    if (event.type === 'exit') exit = event;
  }
  if (exit?.code !== 0) {
    const said = errors.slice(-5).join('\n') || (exit?.message ?? 'nothing');
    throw new SallyportError('MACHINE_FAILED', `The probe in the machine ended with ${exit?.code}. It said: ${said}`);
  }
  return new Map(
    lines.map((line) => {
      const [path, facts]: readonly [string, string] = JSON.parse(line);
      return [path, facts] as const;
    }),
  );
}

/**
 * Writes files of every kind that programs write, each flushed before its end is told: what is told must still be there after the
 * power is cut. Then names all files with what is in them.
 */
const source = `
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';

let text = '';
for await (const chunk of process.stdin) text += chunk;
const { do: task, round } = JSON.parse(text);
const root = 'persistence';

function flush(path, flags = 'r') {
  const file = fs.openSync(path, flags);
  fs.fsyncSync(file);
  fs.closeSync(file);
}
function put(path, content, mode = 0o644) {
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, content, { mode, flush: true });
}

if (task === 'write') {
  const folder = join(root, 'round-' + round);
  put(join(folder, 'empty'), '');
  put(join(folder, 'small'), 'round ' + round + '\\n');
  put(join(folder, 'megabyte'), randomBytes(1024 * 1024));
  put(join(folder, 'program'), '#!/bin/sh\\n', 0o750);
  put(join(folder, 'a', 'b', 'c', 'deep'), randomBytes(333));
  for (let index = 0; index < 40; index++) put(join(folder, 'many', String(index)), randomBytes(1000));
  const sparse = fs.openSync(join(folder, 'sparse'), 'w');
  fs.writeSync(sparse, 'end', 4 * 1024 * 1024);
  fs.fsyncSync(sparse);
  fs.closeSync(sparse);
  // As editors and CLIs replace a file: another one in its place, at once.
  put(join(root, 'replaced.new'), randomBytes(2000), 0o600);
  fs.renameSync(join(root, 'replaced.new'), join(root, 'replaced'));
  fs.appendFileSync(join(root, 'log'), 'round ' + round + '\\n', { flush: true });
  fs.symlinkSync('replaced', join(folder, 'link'));
  fs.linkSync(join(folder, 'small'), join(folder, 'second-name'));
  put(join(folder, 'removed'), 'x');
  fs.rmSync(join(folder, 'removed'));
  for (const name of ['.', 'many', 'a', 'a/b', 'a/b/c']) flush(join(folder, name));
  for (const name of [root, '.']) flush(name);
}

const names = fs.existsSync(root) ? fs.readdirSync(root, { recursive: true }).toSorted() : [];
for (const name of names) {
  const path = join(root, name);
  const facts = fs.lstatSync(path);
  const mode = (facts.mode & 0o7777).toString(8);
  if (facts.isSymbolicLink()) console.log(JSON.stringify([name, 'link to ' + fs.readlinkSync(path)]));
  else if (facts.isDirectory()) console.log(JSON.stringify([name, 'folder ' + mode]));
  else {
    const hash = createHash('sha256').update(fs.readFileSync(path)).digest('hex');
    console.log(JSON.stringify([name, ['file', mode, facts.nlink, facts.size, hash].join(' ')]));
  }
}
`;
