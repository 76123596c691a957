import { manifestSchema } from '@sallyport/core/provider';
import type { ProviderManifest } from '@sallyport/core/provider';

import { lockfile, lockfileText } from './lockfile.ts';
import { appServerDeviceCodeLogin, appServerLogin, appServerRefresh } from './app-server.ts';
import { browserLogin, deviceCodeLogin } from './logins.ts';
import { streamingPrompt } from './prompts.ts';

const CONFIG = '~/.codex/config.toml';

// `file`: a keyring would keep the credential where it cannot be read back, `ephemeral` nowhere.
// Analytics that cannot be reached delay each prompt by five seconds.
const config = [
  'cli_auth_credentials_store = "file"',
  'check_for_update_on_startup = false',
  '',
  '[analytics]',
  'enabled = false',
  '',
  '[feedback]',
  'enabled = false',
  '',
].join('\n');

/** Codex CLI, as `@openai/codex` ships it. Everything here was established by running that version. */
export const manifest: ProviderManifest = manifestSchema.parse({
  spec: 1,
  id: 'codex',
  aliases: ['codex_cli'],
  title: 'Codex',
  terms: {
    url: 'https://openai.com/policies/terms-of-use/',
    reviewed: null,
    // Nobody has read the terms for any other kind of deployment.
    deployments: ['self-hosted'],
  },
  cli: {
    package: '@openai/codex',
    version: lockfile.packages['node_modules/@openai/codex'].version,
    lockfile: lockfileText,
    // The package's own `bin/codex.js` only finds and starts these, at the price of a Node start.
    bin: {
      'linux-x64': programs('linux-x64', 'x86_64-unknown-linux-musl'),
      'linux-arm64': programs('linux-arm64', 'aarch64-unknown-linux-musl'),
      'darwin-x64': programs('darwin-x64', 'x86_64-apple-darwin'),
      'darwin-arm64': programs('darwin-arm64', 'aarch64-apple-darwin'),
    },
    loginCommand: 'codex login',
    // Keeps log lines out of stderr; errors that end a run are printed all the same.
    env: { RUST_LOG: 'off' },
    settings: [{ path: CONFIG, content: config }],
  },
  commands: {
    status: { argv: ['login', 'status'], exits: { '0': 'ok', '1': 'not-logged-in' } },
    refresh: appServerRefresh,
    logout: { argv: ['logout'], exits: { '0': 'ok' } },
  },
  needs: { memoryMb: 384 },
  // `codex login` first: its command is documented, while the CLI calls its app server experimental, and to the user both
  // are the same page. Those who embed the app server can name it; nothing falls back from one to the other, since they
  // share their callback ports.
  logins: [browserLogin, deviceCodeLogin, appServerLogin, appServerDeviceCodeLogin],
  credentials: [
    {
      as: 'file',
      id: 'auth',
      role: 'secret',
      format: 'json',
      mode: 0o600,
      rotates: true,
      // What both the present file and those of older versions have; `auth_mode` and `account_id` are optional.
      require: ['/tokens/access_token', '/tokens/refresh_token', '/tokens/id_token'],
      write: 'replace',
      paths: { browser: '~/.codex/auth.json', cli: '~/.codex/auth.json' },
    },
    {
      as: 'environment',
      id: 'api_key',
      name: 'OPENAI_API_KEY',
      from: 'user',
      manualEntry: {
        title: 'Use an OpenAI API key',
        label: 'API key (OPENAI_API_KEY)',
        // Every prefix but those of other vendors and of administration keys, which begin with an a.
        shape: { pattern: '^sk-([A-Za-z0-9_]{20,}|[b-z][a-z]*-[A-Za-z0-9_-]{20,})$' },
        example: 'sk-proj-…',
        page: 'https://platform.openai.com/api-keys',
      },
      // As `codex login --with-api-key` writes it. The variable itself is not looked at, and the one that `codex exec`
      // takes instead, CODEX_API_KEY, is handed on to every program it starts.
      settings: [{ path: '~/.codex/auth.json', content: '{"auth_mode":"apikey","OPENAI_API_KEY":"{{value}}"}\n' }],
    },
  ],
  prompt: streamingPrompt,
  egress: {
    cli: ['auth.openai.com', 'chatgpt.com', 'api.openai.com'],
    signIn: [
      'auth.openai.com',
      'chatgpt.com',
      'auth-cdn.oaistatic.com',
      'cdn.oaistatic.com',
      'cdn.openai.com',
      'challenges.cloudflare.com',
      'accounts.google.com',
      'accounts.youtube.com',
      'ssl.gstatic.com',
      'www.gstatic.com',
      'fonts.gstatic.com',
      'appleid.apple.com',
      'appleid.cdn-apple.com',
      'login.microsoftonline.com',
      'login.live.com',
      'aadcdn.msauth.net',
      'aadcdn.msftauth.net',
      'logincdn.msauth.net',
    ],
  },
});

/** Earlier releases, of which 0.128.0 is one, have it in `codex/`. */
function programs(platform: string, target: string): string[] {
  return ['bin', 'codex'].map((folder) => `node_modules/@openai/codex-${platform}/vendor/${target}/${folder}/codex`);
}
