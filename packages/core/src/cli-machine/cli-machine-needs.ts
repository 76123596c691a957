import type { ProviderManifest } from '../provider/manifest.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { MachineRequest } from '../machine/provision-machine.ts';

export type CliMachineNeeds = Pick<MachineRequest, 'sessionId' | 'role' | 'memoryMb' | 'desktop' | 'clis' | 'hosts'>;

const LEAST_MEMORY_MB = 384;

/** Memory of a CLI machine that runs one of these providers' CLIs at a time. */
export function cliMemoryMb(manifests: readonly ProviderManifest[]): number {
  return Math.max(LEAST_MEMORY_MB, ...manifests.map((manifest) => manifest.needs.memoryMb));
}

/** Plans a CLI machine for these providers, and installs their CLIs on this host. */
export async function cliMachineNeeds(
  runtime: Runtime,
  providers: ReadonlySet<string>,
  options: { readonly signal: AbortSignal; onProgress(message: string): void },
): Promise<CliMachineNeeds> {
  const manifests = [...providers].map((id) => runtime.registry.get(id).manifest);
  const clis = await Promise.all(
    manifests.map(async (manifest) => ({
      provider: manifest.id,
      directory: await runtime.installCli(manifest, options),
    })),
  );
  return {
    sessionId: undefined,
    role: 'cli',
    memoryMb: cliMemoryMb(manifests),
    desktop: false,
    clis,
    hosts: [...new Set([...manifests.flatMap((manifest) => manifest.egress.cli), ...runtime.settings.workHosts])],
  };
}
