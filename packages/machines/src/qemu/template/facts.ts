import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import type { MachinePlan } from '@sallyport/core/driver';

import { hashFile } from '../../host/hashing/hash-file.ts';
import { hashValue } from '../../images/hash.ts';
import { hardwareHash } from '../hardware.ts';
import type { Ingredients } from '../ingredients.ts';
import { fileFacts } from '../../host/file-facts.ts';
import { hostFacts } from '../snapshot/manifest.ts';

/** What machines must have in common to go on from one memory. */
export interface TemplateFacts {
  /** QEMU's file: another version is another file. */
  readonly program: string;
  readonly host: string;
  readonly kernel: string;
  readonly image: string;
  readonly agent: string;
  readonly hardware: string;
  /** What else of a plan a machine finds at its boot and does not look at again. */
  readonly plan: string;
}

export interface FactSources {
  readonly program: string;
  readonly plan: MachinePlan;
  /** Its browser was told at its start. */
  readonly certificateAuthority: string | undefined;
  readonly ingredients: Ingredients;
  readonly signal: AbortSignal;
}

export async function findTemplateFacts(sources: FactSources): Promise<TemplateFacts> {
  const { plan, certificateAuthority = null, ingredients, signal } = sources;
  const { kernel, image, hardware, clis } = ingredients;
  const { agent, role, diskMb, desktop } = plan;
  // CLIs of the image are found by the machine that wakes; others have to be on the drive that is mounted already.
  const onDrive = clis.onDrive
    .map(({ provider, directory }) => `${provider} ${directory}`)
    .toSorted((one, other) => one.localeCompare(other));
  return {
    program: await identifyFile(sources.program),
    host: hostFacts(hardware.accelerator),
    kernel: kernel.name,
    image: image.name,
    agent: await hashFile(join(agent.directory, agent.entry), signal),
    hardware: hardwareHash(hardware),
    plan: hashValue([role, diskMb, desktop?.width, desktop?.height, certificateAuthority, onDrive]),
  };
}

/** The name of a template's directory. */
export function templateKey(facts: TemplateFacts): string {
  const { program, host, kernel, image, agent, hardware, plan } = facts;
  return hashValue([program, host, kernel, image, agent, hardware, plan]).slice(0, 32);
}

export async function identifyFile(path: string): Promise<string> {
  const real = await realpath(path);
  return `${real}, ${await fileFacts(real)}`;
}
