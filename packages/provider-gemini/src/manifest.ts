import { manifestSchema } from '@sallyport/core/provider';
import type { ProviderManifest } from '@sallyport/core/provider';

import { lockfile, lockfileText } from './lockfile.ts';
import { acpLogin } from './acp.ts';
import { browserLogin, pasteCodeLogin } from './logins.ts';
import { settingsFile } from './settings.ts';

/** The package has no binary; the agent runs this file with its own Node. */
const BUNDLE = 'node_modules/@google/gemini-cli/bundle/gemini.js';

/** Gemini CLI, as `@google/gemini-cli` ships it. Everything here was established by running that version. */
export const manifest: ProviderManifest = manifestSchema.parse({
  spec: 1,
  id: 'gemini_cli',
  aliases: ['gemini'],
  title: 'Gemini CLI',
  terms: {
    url: 'https://geminicli.com/docs/resources/tos-privacy/',
    reviewed: null,
    // Nobody has read the terms for any other kind of deployment.
    deployments: ['self-hosted'],
  },
  cli: {
    package: '@google/gemini-cli',
    version: lockfile.packages['node_modules/@google/gemini-cli'].version,
    lockfile: lockfileText,
    bin: { 'linux-x64': BUNDLE, 'linux-arm64': BUNDLE, 'darwin-x64': BUNDLE, 'darwin-arm64': BUNDLE },
    loginCommand: 'gemini',
    env: {
      // It would start a second Node with a larger heap, for a second of time and twice the memory.
      GEMINI_CLI_NO_RELAUNCH: 'true',
      // Without it a prompt in a new directory ends with exit code 55. The directory is the machine's own.
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
    },
    settings: [settingsFile('oauth-personal')],
    // Settings, extensions, policies and variables of a repository. Without trust it would ignore them, but then it
    // would not edit or run anything either.
    hiddenInWork: [{ name: '.gemini', kind: 'directory' }],
  },
  // It has no command for either: a prompt says whether it is logged in, and logging out is removing the file.
  commands: {},
  needs: { memoryMb: 768 },
  // Over its protocol first: no menus that a release could rearrange, seconds faster, and errors that say what they are.
  // The screens come after it, for who names them.
  logins: [acpLogin, browserLogin, pasteCodeLogin],
  credentials: [
    {
      as: 'file',
      id: 'oauth_creds',
      role: 'secret',
      format: 'json',
      mode: 0o600,
      rotates: true,
      require: ['/access_token', '/refresh_token'],
      write: 'replace',
      paths: { browser: '~/.gemini/oauth_creds.json', cli: '~/.gemini/oauth_creds.json' },
    },
    {
      as: 'environment',
      id: 'api_key',
      name: 'GEMINI_API_KEY',
      from: 'user',
      manualEntry: {
        title: 'Use a Google AI Studio API key',
        label: 'API key (GEMINI_API_KEY)',
        shape: { pattern: '^(AIza|AQ\\.)[A-Za-z0-9_.-]{20,}$' },
        example: 'AIza…',
        page: 'https://aistudio.google.com/apikey',
      },
      // The selected type goes before the variable: with that of a plan login the key is not looked at.
      settings: [settingsFile('gemini-api-key')],
    },
  ],
  prompt: {
    drive: 'lines',
    argv: ['-o', 'stream-json', { slot: 'tools' }, { slot: 'model', flag: '-m' }],
    resumeArgv: [
      '-o',
      'stream-json',
      { slot: 'tools' },
      { slot: 'model', flag: '-m' },
      { slot: 'session', flag: '--resume' },
    ],
    input: 'stdin',
    // It runs its own commands headless, too, those of the user and of plugins among them. `!`, `#` and `?` are text there.
    commandEscape: { beginnings: ['/'], prefix: ' ' },
    // Its own sandbox needs a container runtime. What a mode would ask about is refused when nobody can answer:
    // `default` only reads, `auto_edit` also changes files of the working directory, and neither runs commands.
    tools: {
      'read-only': ['--approval-mode', 'default'],
      workspace: ['--approval-mode', 'auto_edit'],
      full: ['--approval-mode', 'yolo'],
    },
    // It has no option for this: what is hidden from it decides.
    projectSettings: { ignore: [], use: [] },
    // Printed to stderr before anything else happened; what the model says is on stdout, inside JSON.
    reloginNeeded: [
      { pattern: '^Error authenticating: FatalAuthenticationError: ' },
      // The line that ends the run; what the model says is in lines of another type.
      { pattern: '^\\{"type":"result",.*"status":"error","error":\\{.*API_KEY_INVALID' },
    ],
  },
  egress: {
    cli: [
      'accounts.google.com',
      'oauth2.googleapis.com',
      'www.googleapis.com',
      'cloudcode-pa.googleapis.com',
      // With an API key.
      'generativelanguage.googleapis.com',
    ],
    signIn: [
      'accounts.google.com',
      'accounts.youtube.com',
      'codeassist.google.com',
      'developers.google.com',
      'apis.google.com',
      'play.google.com',
      'ssl.gstatic.com',
      'www.gstatic.com',
      'fonts.gstatic.com',
      'fonts.googleapis.com',
      'lh3.googleusercontent.com',
      'www.google.com',
    ],
  },
});
