import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import type { EgressRoute } from '@sallyport/core/egress';
import { manifest } from '@sallyport/provider-codex';
import { createEgressClient } from '@sallyport/testkit/vendors';
import type { FakeOpenai } from '@sallyport/testkit/vendors';

import { cliEnvironment } from '../../packages/agent/src/cli/cli-environment.ts';
import type { CliSurroundings } from '../../packages/agent/src/cli/cli-environment.ts';
import { writeSettings } from '../../packages/agent/src/cli/settings.ts';
import { lockCallbackPort } from '../../e2e/support/callback-port.ts';

/** The bare thing: the real Codex CLI, run as a user would in a shell, but without this shell's variables. */
export interface DirectCodex {
  readonly executable: string;
  /** A new home with the settings every machine has too, and a work directory. */
  makeHome(files?: Readonly<Record<string, string>>): Promise<string>;
  /** Starts it in the home's work directory. It ends with {@link endDirect} or by itself. */
  start(home: string, argv: readonly string[]): DirectRun;
}

export type DirectRun = ChildProcessByStdio<Writable, Readable, Readable>;

export function createDirectCodex(options: {
  readonly executable: string;
  readonly folder: string;
  readonly surroundings: CliSurroundings;
}): DirectCodex {
  const { executable, folder, surroundings } = options;
  return {
    executable,
    makeHome: async (files = {}) => {
      const home = await mkdtemp(join(folder, 'home-'));
      await mkdir(join(home, 'work'));
      await writeSettings(home, manifest.cli.settings);
      for (const [path, text] of Object.entries(files)) await writeFile(join(home, path), text, { mode: 0o600 });
      const browser = join(folder, 'bin', 'sallyport-browser');
      await mkdir(join(folder, 'bin'), { recursive: true });
      await writeFile(browser, '#!/bin/sh\nexit 0\n');
      await chmod(browser, 0o755);
      return home;
    },
    start: (home, argv) =>
      spawn(executable, argv, {
        cwd: join(home, 'work'),
        env: cliEnvironment(surroundings, home, manifest.cli.env),
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
  };
}

/** Ends a run, and resolves when it is gone. */
export async function endDirect(run: DirectRun): Promise<void> {
  if (run.exitCode !== null || run.signalCode !== null) return;
  run.kill('SIGTERM');
  await once(run, 'exit');
}

/** Resolves to the sign-in link as soon as the CLI has printed the whole of it. */
async function printedLink(run: DirectRun): Promise<string> {
  let printed = '';
  return new Promise((resolve, reject) => {
    const take = (text: string): void => {
      printed += text;
      const link = /https:\/\/auth\.openai\.com\/oauth\/authorize\?\S+(?=\s)/.exec(printed);
      if (link) resolve(link[0]);
    };
    run.stdout.setEncoding('utf8').on('data', take);
    run.stderr.setEncoding('utf8').on('data', take);
    run.once('exit', () => reject(new Error(`codex login printed no link: ${printed}`)));
  });
}

/** Logs in directly at the fake vendor; resolves to the credential file. */
export async function logIn(codex: DirectCodex, vendor: FakeOpenai, route: EgressRoute): Promise<string> {
  const unlock = await lockCallbackPort(AbortSignal.timeout(120_000));
  try {
    const home = await codex.makeHome();
    const run = codex.start(home, ['login']);
    const ended = once(run, 'exit');
    const visit = createEgressClient(route);
    await visit(await printedLink(run));
    const login = vendor.state().logins.at(-1);
    const form = new URLSearchParams({ login: login?.id ?? '', code: login?.code ?? '', action: 'approve' });
    const { headers } = await visit('https://auth.openai.com/oauth/authorize/login', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    await (await fetch(headers.location ?? '')).text();
    await ended;
    return await readFile(join(home, '.codex', 'auth.json'), 'utf8');
  } finally {
    await unlock();
  }
}
