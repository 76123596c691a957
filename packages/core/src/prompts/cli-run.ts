import { pinnedInWork } from '../cli-machine/pinned-in-work.ts';
import type { CredentialFiles } from '../contracts/credential-files.ts';
import { credentialEnvironment, settingsFor } from '../credentials/place.ts';
import type { PromptPlan } from '../hooks/arguments.ts';
import type { StartAheadRequest } from '../protocol/agent-api.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { buildArgv, buildRpcRun } from './argv.ts';
import { hiddenInWork } from './project-settings.ts';
import { messageRun, residentRun } from './resident-run.ts';

export interface CliRunInput {
  readonly plan: Pick<PromptPlan, 'model' | 'tools' | 'projectSettings' | 'workingDirectory'>;
  /** Of the stored credential. */
  readonly files: CredentialFiles;
  /** The conversation to continue. */
  readonly conversationId: string | undefined;
}

/** How an agent runs a provider's CLI for a prompt, whatever the prompt. */
export function cliRun(
  { registry }: Pick<Runtime, 'registry'>,
  manifest: ProviderManifest,
  { plan, files, conversationId }: CliRunInput,
): StartAheadRequest {
  const { id, cli, credentials, prompt } = manifest;
  const { model, tools, projectSettings, workingDirectory } = plan;
  const values = { model, session: conversationId, tools, projectSettings };
  const rpc = buildRpcRun(prompt, values);
  return {
    provider: id,
    cli: {
      ...cli,
      settings: settingsFor(cli.settings, credentials, files),
      hiddenInWork: hiddenInWork(manifest, projectSettings),
      pinnedInWork: [...pinnedInWork(registry, id)],
    },
    argv: buildArgv(prompt, values),
    ...(rpc && { rpc }),
    ...residentRun(manifest),
    ...messageRun(manifest, values),
    env: credentialEnvironment(credentials, files),
    workingDirectory,
  };
}
