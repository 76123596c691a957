import type { Ceiling } from './ceiling.ts';
import { ANY_HOST } from '../contracts/egress.ts';
import type { NetworkPlan } from '../contracts/egress.ts';
import type { PromptPlan } from './arguments.ts';
import type { MachinePlan } from '../contracts/plan.ts';
import { projectSettingsSchema, toolPolicySchema } from '../contracts/prompt-event.ts';

/**
 * What plugins return from the three plans is brought back to what the operator allows. A field that is not what
 * it should be keeps the value the plan came with; identity fields always do.
 */

export function clampMachinePlan(original: MachinePlan, returned: MachinePlan, ceiling: Ceiling): MachinePlan {
  const image = matches(imageName, returned.image) ? returned.image : original.image;
  const { desktop, image: _image, ...rest } = original;
  return {
    ...rest,
    memoryMb: atMost(ceiling.maxMemoryMb, returned.memoryMb, original.memoryMb),
    vcpus: atMost(ceiling.maxVcpus, returned.vcpus, original.vcpus),
    diskMb: atMost(ceiling.maxDiskMb, returned.diskMb, original.diskMb),
    ...(image !== undefined && { image }),
    // Ours last: by them a later process finds the machine again.
    labels: { ...cleanLabels(returned.labels), ...original.labels },
    ...(desktop && {
      desktop: {
        width: between(320, 3840, returned.desktop?.width, desktop.width),
        height: between(240, 2160, returned.desktop?.height, desktop.height),
      },
    }),
  };
}

export function clampNetworkPlan(original: NetworkPlan, returned: NetworkPlan, ceiling: Ceiling): NetworkPlan {
  const allowed = ceiling.hosts === 'provider' ? original.hosts : ceiling.hosts;
  const wanted: readonly unknown[] = Array.isArray(returned.hosts) ? returned.hosts : original.hosts;
  const hosts = wanted.flatMap((host) => allowed.flatMap((limit) => commonHosts(host, limit)));
  return { ...original, hosts: [...new Set(hosts)] };
}

export function clampPromptPlan(original: PromptPlan, returned: PromptPlan, ceiling: Ceiling): PromptPlan {
  const tools = toolPolicySchema.safeParse(returned.tools).data ?? original.tools;
  const project = projectSettingsSchema.safeParse(returned.projectSettings).data ?? original.projectSettings;
  const model = 'model' in returned ? returned.model : original.model;
  return {
    model: model === undefined || matches(modelName, model) ? model : original.model,
    tools: toolRanks.indexOf(tools) <= toolRanks.indexOf(ceiling.tools) ? tools : ceiling.tools,
    // A plugin cannot grant what the prompt did not ask for: the audit log has what was asked.
    projectSettings: [original.projectSettings, ceiling.projectSettings, project].includes('ignore') ? 'ignore' : 'use',
    workingDirectory: isWorkDirectory(returned.workingDirectory)
      ? returned.workingDirectory
      : original.workingDirectory,
    timeoutMs: atMost(ceiling.maxTimeoutMs, returned.timeoutMs, original.timeoutMs),
    maxOutputBytes: atMost(ceiling.maxOutputBytes, returned.maxOutputBytes, original.maxOutputBytes),
  };
}

/** From least to most. */
const toolRanks = toolPolicySchema.options;

/** An argument of the CLI: what starts with a dash would be an option. */
const modelName = /^[A-Za-z0-9][A-Za-z0-9._:/@[\]-]{0,199}$/;
const imageName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const workDirectory = /^~\/work(\/[A-Za-z0-9._-]+)*$/;
const hostName = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

function matches(pattern: RegExp, value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isWorkDirectory(path: unknown): path is string {
  return matches(workDirectory, path) && !path.split('/').some((part) => part === '.' || part === '..');
}

function atMost(limit: number, returned: unknown, original: number): number {
  const wanted = typeof returned === 'number' && Number.isFinite(returned) && returned >= 1 ? returned : original;
  return Math.min(limit, Math.floor(wanted));
}

function between(least: number, most: number, returned: unknown, original: number): number {
  return Math.max(least, atMost(most, returned, original));
}

function cleanLabels(labels: unknown): Readonly<Record<string, string>> {
  if (typeof labels !== 'object' || labels === null) return {};
  const clean = Object.entries(labels).filter(
    (label): label is [string, string] =>
      /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(label[0]) && typeof label[1] === 'string' && label[1].length <= 255,
  );
  return Object.fromEntries(clean.slice(0, 32));
}

/** The names that both allow: the narrower of the two, or none. */
function commonHosts(host: unknown, limit: string): readonly string[] {
  if (host === ANY_HOST) return [limit];
  if (!matches(hostName, host) || host.length > 253) return [];
  if (covers(limit, host)) return [host];
  return covers(host, limit) ? [limit] : [];
}

function covers(wide: string, narrow: string): boolean {
  return wide === ANY_HOST || wide === narrow || (wide.startsWith('*.') && narrow.endsWith(wide.slice(1)));
}
