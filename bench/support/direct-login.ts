import { spawn } from 'node:child_process';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { guardUrl } from '@sallyport/core/engine';
import { asRecord, tryParseJson } from '@sallyport/core/provider';
import type { LoginMethod, ProviderManifest } from '@sallyport/core/provider';

import { cliEnvironment } from '../../packages/agent/src/cli/cli-environment.ts';
import type { CliSurroundings } from '../../packages/agent/src/cli/cli-environment.ts';
import { writeSettings } from '../../packages/agent/src/cli/settings.ts';
import { installBrowserShim } from '../../packages/agent/src/login/browser-shim.ts';
import { endDirect } from './direct-codex.ts';
import type { DirectRun } from './direct-codex.ts';

/** Starts logins of real CLIs as a user would in a shell, but without this shell's variables. */
export interface DirectLogins {
  /** Resolves to the milliseconds until the CLI has printed its sign-in link, or has opened its browser with it. */
  untilLink(manifest: ProviderManifest, method: LoginMethod, program: string): Promise<number>;
  close(): void;
}

export async function createDirectLogins(parent: string, surroundings: CliSurroundings): Promise<DirectLogins> {
  const runtime = join(parent, 'direct-logins');
  await mkdir(join(runtime, 'tmp'), { recursive: true });
  const shim = await installBrowserShim(runtime);
  return {
    untilLink: async (manifest, method, program) => {
      const { cli } = manifest;
      const { drive, url: rule } = method;
      const home = await mkdtemp(join(runtime, 'home-'));
      await writeSettings(home, method.settings ?? cli.settings);
      const env = cliEnvironment({ ...surroundings, runtime }, home, cli.env, drive.env ?? {});
      const isScript = /\.[cm]?js$/.test(program);
      const argv = [...(isScript ? [program] : []), ...drive.argv];
      const isSignIn = (link: string): boolean => rule !== undefined && guardUrl(link, rule, method.callback).ok;
      const known = Promise.withResolvers<void>();
      const silence = shim.listen((link) => (isSignIn(link) ? known.resolve() : undefined));
      const began = performance.now();
      const run = spawn(isScript ? process.execPath : program, argv, {
        cwd: home,
        env,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      run.once('exit', (code) => known.reject(new Error(`${manifest.title} ended with ${code} and had no link.`)));
      const talk = drive.kind === 'json-rpc' ? startTalk(run, drive) : undefined;
      for (const stream of [run.stdout, run.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          talk?.(line);
          if ((line.match(/https:\/\/\S+/g) ?? []).some(isSignIn)) known.resolve();
        });
      }
      await known.promise;
      const took = performance.now() - began;
      silence();
      await endDirect(run);
      return took;
    },
    close: () => shim.close(),
  };
}

/** Sends one request after the other, each when the one before is answered. */
function startTalk(
  run: DirectRun,
  { steps }: Extract<LoginMethod['drive'], { kind: 'json-rpc' }>,
): (line: string) => void {
  const requests = steps.flatMap(({ id, do: { ...action } }) =>
    action.kind === 'request' ? [{ jsonrpc: '2.0', id, method: action.method, params: action.params }] : [],
  );
  let waiting: string | undefined;
  const next = (): void => {
    const request = requests.shift();
    waiting = request?.id;
    if (request) run.stdin.write(`${JSON.stringify(request)}\n`);
  };
  next();
  return (line) => {
    if (asRecord(tryParseJson(line))['id'] === waiting) next();
  };
}
