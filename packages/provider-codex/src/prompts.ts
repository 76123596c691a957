import type { ProviderManifestInput } from '@sallyport/core/provider';

import { appServerPrompt } from './app-server.ts';

type PromptInput = ProviderManifestInput['prompt'];

/**
 * Only what ends the turn counts. Lines and messages of type `error` say "Reconnecting..." with the same words before a
 * retry that may succeed, and what the model writes is inside a string of another type.
 */
export const reloginNeeded: PromptInput['reloginNeeded'] = [
  {
    pattern:
      '^\\{"type":"turn\\.failed",.*(could not be refreshed|401 Unauthorized|[Pp]lease log out and sign in again)',
  },
  {
    pattern:
      '^turn/completed /turn/error/[A-Za-z]+ .*(could not be refreshed|401 Unauthorized|unauthorized \\(401\\)|[Pp]lease log out and sign in again)',
  },
  { pattern: '^turn/completed /turn/error/codexErrorInfo unauthorized$' },
];

/** The default: text comes word by word. */
export const streamingPrompt: PromptInput = { ...appServerPrompt, reloginNeeded };

/** The simple way: whole messages, one line each. */
export const execPrompt: PromptInput = {
  drive: 'lines',
  argv: ['exec', '--json', '--skip-git-repo-check', { slot: 'tools' }, { slot: 'model', flag: '-m' }, '-'],
  resumeArgv: [
    'exec',
    'resume',
    '--json',
    '--skip-git-repo-check',
    { slot: 'tools' },
    { slot: 'model', flag: '-m' },
    { slot: 'session' },
    '-',
  ],
  input: 'stdin',
  // `exec resume` knows no `-s`, so both command lines use the setting behind it.
  tools: {
    'read-only': ['-c', 'sandbox_mode="read-only"'],
    workspace: ['-c', 'sandbox_mode="workspace-write"'],
    full: ['--dangerously-bypass-approvals-and-sandbox'],
  },
  reloginNeeded,
};
