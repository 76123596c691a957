import { manifestSchema } from '@sallyport/core/provider';
import type { ProviderManifest } from '@sallyport/core/provider';

import { lockfile, lockfileText } from './lockfile.ts';
import {
  browserLogin,
  firstStartLogin,
  firstStartPasteLogin,
  pasteCodeLogin,
  SETTINGS,
  setupTokenLogin,
  setupTokenPasteLogin,
} from './logins.ts';
import { resident } from './resident.ts';

/** The settings of the home and of no other place: those of a repository name programs, which would run by themselves. */
const ownSettings = ['--setting-sources', 'user', '--strict-mcp-config'];

const headless = [
  '-p',
  '--input-format',
  'stream-json',
  '--output-format',
  'stream-json',
  '--verbose',
  '--include-partial-messages',
];

/**
 * Claude Code, as `@anthropic-ai/claude-code` ships it. Established by running that version against stand-ins for its
 * services; the hosts of the real sign-in pages have not been checked.
 */
export const manifest: ProviderManifest = manifestSchema.parse({
  spec: 1,
  id: 'claude_code',
  aliases: ['claude'],
  title: 'Claude Code',
  terms: {
    url: 'https://www.anthropic.com/legal/consumer-terms',
    reviewed: null,
    // Nobody has read the terms for this yet, so it is offered in no kind of deployment.
    deployments: [],
  },
  cli: {
    package: '@anthropic-ai/claude-code',
    version: lockfile.packages['node_modules/@anthropic-ai/claude-code'].version,
    lockfile: lockfileText,
    // The package's own `bin/claude.exe` is put there by an install script, and none runs.
    bin: {
      'linux-x64': 'node_modules/@anthropic-ai/claude-code-linux-x64/claude',
      'linux-arm64': 'node_modules/@anthropic-ai/claude-code-linux-arm64/claude',
      'darwin-x64': 'node_modules/@anthropic-ai/claude-code-darwin-x64/claude',
      'darwin-arm64': 'node_modules/@anthropic-ai/claude-code-darwin-arm64/claude',
    },
    loginCommand: 'claude auth login',
    env: {
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
    // A user who starts it by hand has logged in already: no theme, no login menu. A theme that was chosen stays. Which
    // directories to trust is for the user to say, so the CLI still asks that.
    settings: [
      { path: SETTINGS, content: '{"hasCompletedOnboarding":true}', write: 'merge-json' },
      { path: '~/.claude/settings.json', content: '{"theme":"dark"}', write: 'fill-json' },
    ],
    // It reads the agents, workflows and scheduled tasks of a repository even when told to use no settings from there.
    hiddenInWork: [{ name: '.claude', kind: 'directory' }],
  },
  commands: {
    status: { argv: ['auth', 'status'], exits: { '0': 'ok', '1': 'not-logged-in' } },
    logout: { argv: ['auth', 'logout'], exits: { '0': 'ok' } },
  },
  needs: { memoryMb: 384 },
  logins: [browserLogin, pasteCodeLogin, setupTokenLogin, firstStartLogin, setupTokenPasteLogin, firstStartPasteLogin],
  credentials: [
    {
      as: 'file',
      id: 'auth',
      role: 'secret',
      format: 'json',
      mode: 0o600,
      rotates: true,
      // Without `scopes` the CLI says "Not logged in"; versions before 2.1.330 wrote no end of the login.
      require: [
        '/claudeAiOauth/accessToken',
        '/claudeAiOauth/refreshToken',
        '/claudeAiOauth/expiresAt',
        '/claudeAiOauth/scopes',
      ],
      // The CLI keeps the logins of MCP servers in the same file, as `mcpOAuth`.
      write: 'merge-json',
      paths: {
        browser: '~/.claude/.credentials.json',
        cli: '~/.claude/.credentials.json',
        // The text of the same file.
        macos: { keychain: { service: 'Claude Code-credentials' } },
      },
    },
    {
      as: 'file',
      id: 'settings',
      role: 'settings',
      format: 'json',
      mode: 0o600,
      rotates: false,
      require: [],
      // The CLI keeps counters and the trust of directories in the same file.
      write: 'merge-json',
      paths: { browser: SETTINGS, cli: SETTINGS },
    },
    {
      as: 'environment',
      id: 'token',
      name: 'CLAUDE_CODE_OAUTH_TOKEN',
      from: { pattern: '\\b(sk-ant-oat01-[A-Za-z0-9_-]{8,})' },
      manualEntry: {
        title: 'Use a token from claude setup-token',
        label: 'Token that `claude setup-token` printed',
        shape: { pattern: '^sk-ant-oat[0-9]{2}-[A-Za-z0-9_-]{8,}$' },
        example: 'sk-ant-oat01-…',
      },
    },
    {
      as: 'environment',
      id: 'api_key',
      name: 'ANTHROPIC_API_KEY',
      from: 'user',
      manualEntry: {
        title: 'Use an Anthropic API key',
        label: 'API key (ANTHROPIC_API_KEY)',
        shape: { pattern: '^sk-ant-api[0-9]{2}-[A-Za-z0-9_-]{20,}$' },
        example: 'sk-ant-api03-…',
        page: 'https://console.anthropic.com/settings/keys',
      },
    },
  ],
  prompt: {
    drive: 'json-lines',
    argv: [...headless, { slot: 'projectSettings' }, { slot: 'tools' }, { slot: 'model', flag: '--model' }],
    resumeArgv: [
      ...headless,
      { slot: 'projectSettings' },
      { slot: 'tools' },
      { slot: 'model', flag: '--model' },
      { slot: 'session', flag: '--resume' },
    ],
    message: { type: 'user', message: { role: 'user', content: [{ type: 'text', text: { slot: 'prompt' } }] } },
    // It runs its own commands headless, too, those of the user and of plugins among them. `!`, `#` and `?` are text there.
    commandEscape: { beginnings: ['/'], prefix: ' ' },
    // Nobody is there to be asked, so what a mode does not allow is refused.
    tools: {
      'read-only': [
        '--permission-mode',
        'dontAsk',
        '--allowedTools',
        'Read,Glob,Grep',
        '--disallowedTools',
        'Write,Edit,NotebookEdit',
      ],
      // Edits inside the working directory, and shell commands of which the CLI can tell that they do no more than that.
      workspace: ['--permission-mode', 'acceptEdits'],
      full: ['--dangerously-skip-permissions'],
    },
    projectSettings: { ignore: ownSettings, use: [] },
    over: [{ at: '/type', equals: 'result' }],
    resident,
    // Only the line that ends the run counts: `subtype` says "success" there even so. What the model writes is
    // inside a string, where these quotes would be escaped.
    reloginNeeded: [
      {
        pattern:
          '"is_error":true,.*"result":"(Not logged in|Failed to authenticate|Invalid API key|Invalid auth token|Authentication required|OAuth token revoked)',
      },
    ],
  },
  egress: {
    cli: ['api.anthropic.com', 'platform.claude.com', 'claude.com', 'claude.ai'],
    signIn: [
      'claude.ai',
      'claude.com',
      'www.claude.com',
      'platform.claude.com',
      'console.anthropic.com',
      'api.anthropic.com',
      'assets-proxy.anthropic.com',
      's-cdn.anthropic.com',
      'challenges.cloudflare.com',
      'accounts.google.com',
      'accounts.youtube.com',
      'ssl.gstatic.com',
      'www.gstatic.com',
      'fonts.gstatic.com',
      'appleid.apple.com',
      'appleid.cdn-apple.com',
    ],
  },
});
