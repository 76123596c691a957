import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { MachinePlan } from '@sallyport/core/driver';
import type { AgentClient, ExecuteEvent } from '@sallyport/core/protocol';
import type { CredentialItem, ProviderManifest } from '@sallyport/core/provider';

/** The probe's credential, in the provider's home. */
export const probeCredential = { path: '~/.probe/auth.json', mode: 0o600 } as const;

/** The same for the agent. */
export const probeItems: readonly CredentialItem[] = [
  {
    as: 'file',
    id: 'auth',
    role: 'secret',
    format: 'json',
    mode: probeCredential.mode,
    rotates: true,
    require: ['/token'],
    write: 'replace',
    paths: { browser: probeCredential.path, cli: probeCredential.path },
  },
];

/** Writes a CLI whose prompt is the JavaScript that it runs, and returns it for a plan. */
export async function writeProbeCli(directory: string, provider: string): Promise<MachinePlan['clis'][number]> {
  const folder = join(directory, `probe-${provider}`);
  const program = join(folder, 'node_modules', 'probe.mjs');
  await mkdir(dirname(program), { recursive: true, mode: 0o755 });
  const source = `
    let text = '';
    for await (const chunk of process.stdin) text += chunk;
    await import('data:text/javascript,' + encodeURIComponent(text));`;
  await writeFile(program, source, { mode: 0o644 });
  return { provider, directory: folder };
}

export interface ProbeRun {
  readonly provider: string;
  readonly env?: Record<string, string>;
  /** What its manifest hides of the working directory. Default nothing. */
  readonly hiddenInWork?: ProviderManifest['cli']['hiddenInWork'];
  /** What other providers' manifests hide. Default nothing. */
  readonly pinnedInWork?: ProviderManifest['cli']['hiddenInWork'];
  readonly signal: AbortSignal;
}

/** Runs a function, which uses nothing from outside of it, as a provider's CLI does, and returns what it prints. */
export async function runProbe<Input, Output>(
  agent: AgentClient,
  { provider, env = {}, hiddenInWork = [], pinnedInWork = [], signal }: ProbeRun,
  program: (input: Input) => Output | Promise<Output>,
  input: Input,
): Promise<Output> {
  const request = {
    runId: randomUUID(),
    provider,
    cli: {
      bin: { [`${process.platform}-${process.arch}`]: 'node_modules/probe.mjs' },
      env: {},
      settings: [],
      hiddenInWork,
      pinnedInWork,
    },
    argv: ['-'],
    prompt: `console.log(JSON.stringify((await (${program.toString()})(${JSON.stringify(input)})) ?? null));`,
    env,
    workingDirectory: '~/work',
    timeoutMs: 5 * 60_000,
    maxOutputBytes: 1024 * 1024,
  };
  const events: ExecuteEvent[] = [];
  for await (const event of agent.execute(request, signal)) {
    events.push(event);
  }
  const printed = events.flatMap((event) => (event.type === 'stdout' ? [event.line] : []));
  const exit = events.at(-1);
  if (exit?.type !== 'exit' || exit.code !== 0 || printed.length !== 1) {
    throw new Error(`The probe of ${provider} did not end well: ${JSON.stringify(events)}`);
  }
  const output: Output = JSON.parse(printed[0] ?? '');
  return output;
}
