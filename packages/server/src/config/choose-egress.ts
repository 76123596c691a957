import { join } from 'node:path';

import { Secret, SallyportError } from '@sallyport/core';
import type { Egress } from '@sallyport/core/egress';
import { createDirectEgress, createPortPerUserEgress, createProxyEgress } from '@sallyport/machines';

import type { FactoryContext } from './config.ts';
import { egressSettingsSchema } from './egress-settings.ts';
import type { EgressSettings } from './egress-settings.ts';
import type { LoadedConfig } from './load-config.ts';

/** The egress that the configuration names. */
export async function chooseEgress(chosen: LoadedConfig['egress'], context: FactoryContext): Promise<Egress> {
  const gateway = { directory: join(context.dataDirectory, 'egress'), clock: context.clock };
  if (chosen === 'direct') return createDirectEgress(gateway);
  const settings = egressSettingsSchema.safeParse(chosen).data;
  if (settings) return throughService(settings, gateway);
  if (typeof chosen === 'function') return chosen(context);
  if (typeof chosen === 'object' && 'open' in chosen) return chosen;
  throw new SallyportError('CONFIG_INVALID', 'The configuration names no egress of the machines.');
}

function throughService(settings: EgressSettings, gateway: Parameters<typeof createDirectEgress>[0]): Egress {
  const { protocol = 'http', host, certificateAuthority } = settings;
  const service = { protocol, host, ...(certificateAuthority !== undefined && { certificateAuthority }) };
  if (settings.kind === 'decodo') {
    const { username, password } = settings;
    return createPortPerUserEgress({ ...gateway, ...service, username, password: new Secret(password) });
  }
  const { port, username, password } = settings;
  const secret = password === undefined ? {} : { password: new Secret(password) };
  const login = username === undefined ? {} : { username, ...secret };
  return createProxyEgress({ ...gateway, proxy: { ...service, port, ...login } });
}
