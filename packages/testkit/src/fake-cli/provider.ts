import { type PromptEvent } from '@sallyport/core';
import { digest, manifestSchema, type CredentialFacts, type Provider } from '@sallyport/core/provider';
import { z } from 'zod';

import type { FakeCliScript } from './script.ts';

/** Below the directory the CLI was written to. */
export const fakeCliExecutable = 'node_modules/fake-cli/fake-cli';

/** A whole provider around the fake CLI: id `fake`, login methods `browser` and `paste`. */
export function createFakeProvider(script: FakeCliScript = {}): Provider {
  const steps = (script.questions ?? []).map(({ text, expect }, index) => ({
    id: `question_${index + 1}`,
    when: { text: text.trim() },
    do: { kind: 'send' as const, text: `${expect}\r` },
  }));
  const url = { hosts: ['login.fake.test'], pathPrefixes: ['/authorize'] };
  const outcome = {
    freshHome: true,
    success: [{ text: 'Logged in.' }],
    failure: [
      { when: { text: 'Sign-in failed' }, code: 'LOGIN_DENIED' as const, message: 'The sign-in was refused.' },
      {
        when: { text: 'callback port cannot be used' },
        code: 'LOGIN_PORT_TAKEN' as const,
        message: 'The callback port of the fake CLI is taken.',
      },
    ],
    timeoutMs: 60_000,
  };
  const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
  return {
    manifest: manifestSchema.parse({
      spec: 1,
      id: 'fake',
      aliases: ['fake_cli'],
      title: 'Fake CLI',
      terms: { url: 'https://login.fake.test/terms', reviewed: '2026-01-01', deployments: ['self-hosted'] },
      cli: {
        package: 'fake-cli',
        version: '1.0.0',
        lockfile: '{"name":"fake-cli","lockfileVersion":3,"packages":{}}',
        bin: Object.fromEntries(platforms.map((platform) => [platform, fakeCliExecutable])),
      },
      commands: {
        status: { argv: ['status'], exits: { '0': 'ok', '1': 'not-logged-in' } },
        logout: { argv: ['logout'], exits: { '0': 'ok' } },
      },
      needs: { memoryMb: 64 },
      logins: [
        {
          ...outcome,
          id: 'browser',
          title: 'Sign in in the browser',
          kind: 'loopback-callback',
          drive: { kind: 'terminal', argv: ['login'], steps },
          url: {
            ...url,
            sources: ['browser-shim', 'text'],
            require: ['response_type=code', 'redirect_uri', 'state'],
            textAfter: { text: 'Waiting for the browser.' },
          },
          callback: { ports: script.port === undefined ? [] : [script.port], path: '/callback' },
        },
        {
          ...outcome,
          id: 'paste',
          title: 'Paste a code',
          kind: 'paste-code',
          drive: {
            kind: 'terminal',
            argv: ['login', '--paste'],
            steps: [
              ...steps,
              {
                id: 'code',
                when: { text: 'Paste the code:' },
                do: {
                  kind: 'ask',
                  prompt: {
                    id: 'code',
                    label: 'Code',
                    kind: 'code',
                    secret: true,
                    shape: { pattern: '^\\S+$' },
                    example: 'the code, which is one word.',
                  },
                },
              },
            ],
          },
          url: { ...url, sources: ['text'], textAfter: { text: 'Paste the code:' } },
        },
      ],
      credentials: [
        {
          as: 'file',
          id: 'auth',
          role: 'secret',
          format: 'json',
          rotates: true,
          require: ['/token', '/account'],
          write: 'replace',
          paths: { browser: '~/.fake/auth.json', cli: '~/.fake/auth.json' },
        },
        {
          as: 'environment',
          id: 'api_key',
          name: 'FAKE_API_KEY',
          from: 'user',
          manualEntry: {
            title: 'Use an API key',
            label: 'API key',
            shape: { pattern: '^fk-[a-z0-9-]{8,}$' },
            example: 'fk-…',
            page: 'https://login.fake.test/keys',
          },
          settings: [{ path: '~/.fake/settings.json', content: '{"pays":"key"}' }],
        },
      ],
      prompt: {
        drive: 'lines',
        argv: ['exec', { slot: 'model', flag: '--model' }],
        resumeArgv: ['exec', { slot: 'session', flag: '--resume' }, { slot: 'model', flag: '--model' }],
        input: 'stdin',
        commandEscape: { beginnings: ['/'], prefix: ' ' },
        tools: { 'read-only': [], workspace: [], full: [] },
        projectSettings: { ignore: [], use: [] },
        reloginNeeded: [{ pattern: '"message":"not logged in"' }],
      },
      egress: { cli: ['api.fake.test'], signIn: ['login.fake.test'] },
    }),
    parse: {
      initial: () => null,
      step: (state, observation) => ({
        state,
        events: observation.type === 'stdout' ? parseLine(observation.line) : [],
      }),
    },
    inspect: (files) =>
      files['auth'] === undefined ? { kind: 'api-key', blank: false } : inspectCredential(files['auth']),
  };
}

const lineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('started'), session: z.string() }),
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('error'), message: z.string() }),
  z.object({ type: z.literal('done') }),
]);

function parseLine(line: string): readonly PromptEvent[] {
  const event = lineSchema.safeParse(tryParseJson(line)).data;
  switch (event?.type) {
    case 'started':
      return [{ type: 'conversation', conversationId: event.session }];
    case 'text':
      return [{ type: 'text', text: event.text }];
    case 'error':
      return [{ type: 'notice', message: event.message }];
    default:
      return [];
  }
}

function inspectCredential(text: string): CredentialFacts {
  const parsed = z
    .object({ token: z.string(), account: z.string(), issuedAt: z.number() })
    .safeParse(tryParseJson(text));
  if (!parsed.success || parsed.data.token === '') return { kind: 'plan', blank: true };
  const { account, issuedAt, token } = parsed.data;
  return { kind: 'plan', blank: false, account, issuedAt, lineage: digest(token) };
}

function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
