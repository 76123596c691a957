import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { ToolPolicy } from '@sallyport/core';
import type { CredentialFiles, Provider } from '@sallyport/core/provider';

import { createEgressClient } from '../fake-internet/egress-client.ts';
import { createFakeInternet, type FakeInternet } from '../fake-internet/fake-internet.ts';
import type { Site } from '../fake-internet/site.ts';
import type { LoginOutcome } from '../provider/login-run.ts';
import { startForwarder } from './forward.ts';
import { type RecordedLogin, runLogin } from './run-login.ts';
import { type FinishedPrompt, runPrompt } from './run-prompt.ts';

export interface CliWorldOptions {
  readonly provider: Provider;
  /** The installed CLI, for instance from `installCli`. */
  readonly executable: string;
  /** What answers instead of the vendor, for instance `createFakeOauth(…).sites`. */
  readonly sites: Readonly<Record<string, Site>>;
  /** An empty directory: its home, and the sockets. Removed by `close`. */
  readonly directory: string;
}

/** What the CLI shows the user who logs in. */
export interface ShownLogin {
  readonly url: string;
  readonly userCode: string | undefined;
}

/** What the user comes back with: where the sign-in page sent the browser, or what is to be typed. */
export interface UserAnswer {
  readonly callback?: string;
  readonly answers?: Readonly<Record<string, string>>;
}

/** A home, a terminal and a fake internet for one unmodified CLI. It gets nothing else of this computer's. */
export interface CliWorld {
  readonly home: string;
  readonly internet: FakeInternet;
  /**
   * The variables by which a program outside of this world gets to its internet: proxy and certificates. For
   * `sallyport transcript record`, for instance.
   */
  readonly network: Readonly<Record<string, string>>;
  /** Requests as from a browser beside the CLI. */
  readonly browse: ReturnType<typeof createEgressClient>;
  /** Logs in by one of the manifest's methods, with the real login engine at the terminal. */
  logIn(methodId: string, person: (shown: ShownLogin) => Promise<UserAnswer>): Promise<LoginOutcome & RecordedLogin>;
  /** The credential files as the CLI left them. Absent ones are left out. */
  credential(): Promise<CredentialFiles>;
  /** A prompt as the agent runs it, understood by the provider's own parser. */
  prompt(question: string, request?: PromptRequest): Promise<FinishedPrompt>;
  close(): Promise<void>;
}

export interface PromptRequest {
  /** Default: `workspace`. */
  readonly tools?: ToolPolicy;
  readonly model?: string;
  readonly session?: string;
  /** A key or token in place of a login: by the id of its credential item, such as `{ api_key: '…' }`. Default: none. */
  readonly values?: CredentialFiles;
}

export type { FinishedPrompt, RecordedLogin };

export async function createCliWorld(options: CliWorldOptions): Promise<CliWorld> {
  const { provider, executable, directory } = options;
  const { manifest } = provider;
  const home = join(directory, 'home');
  for (const folder of ['bin', 'work']) await mkdir(join(home, folder), { recursive: true });
  const inHome = (path: string): string => path.replace('~', home);
  for (const { path, content } of manifest.cli.settings) {
    await mkdir(dirname(inHome(path)), { recursive: true });
    await writeFile(inHome(path), content);
  }
  const internet = await createFakeInternet({ directory: join(directory, 'net'), sites: options.sites });
  const hosts = [...manifest.egress.cli, ...manifest.egress.signIn];
  const user = { userId: 'u-test' };
  const route = await internet.open(
    { machineId: 'm-test', ...user, purpose: 'sign-in', hosts, identity: user },
    { signal: AbortSignal.timeout(5000) },
  );
  const forwarder = await startForwarder(route.socketPath);
  const authority = join(directory, 'authority.pem');
  await writeFile(authority, internet.certificateAuthority);
  await writeShims(join(home, 'bin'));
  const network = {
    HTTPS_PROXY: `http://127.0.0.1:${forwarder.port}`,
    NO_PROXY: 'localhost,127.0.0.1',
    NODE_EXTRA_CA_CERTS: authority,
    SSL_CERT_FILE: authority,
  };
  const environment = {
    ...manifest.cli.env,
    PATH: `${join(home, 'bin')}:/usr/bin:/bin`,
    HOME: home,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    BROWSER: join(home, 'bin/xdg-open'),
    ...network,
  };
  const [file, ...before] = /\.[cm]?js$/.test(executable) ? [process.execPath, executable] : [executable];
  const cli = { file: file ?? executable, before, environment, home };
  return {
    home,
    internet,
    network,
    browse: createEgressClient(route),
    logIn: (methodId, person) => runLogin(cli, manifest, methodId, person),
    async credential() {
      const files: Record<string, string> = {};
      for (const item of manifest.credentials) {
        if (item.as !== 'file') continue;
        const text = await readFile(inHome(item.paths.browser), 'utf8').catch(() => undefined);
        if (text !== undefined) files[item.id] = text;
      }
      return files;
    },
    prompt: (question, request = {}) => runPrompt(cli, provider, question, request),
    async close() {
      forwarder.close();
      await internet.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Whatever would open a browser leaves the link behind instead, whole or not at all. */
async function writeShims(folder: string): Promise<void> {
  const shim = join(folder, 'xdg-open');
  await writeFile(shim, '#!/bin/sh\nprintf %s "$1" > "$HOME/url.part" && mv "$HOME/url.part" "$HOME/url"\n');
  await chmod(shim, 0o755);
}
