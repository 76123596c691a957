import { z } from 'zod';

import type { FakeVendor, FakeVendorOptions } from '../fake-vendor/options.ts';
import { createSignInPages } from '../fake-vendor/sign-in/sign-in-pages.ts';
import { vendorStateSchema } from '../fake-vendor/state.ts';
import type { Mint } from '../fake-vendor/tokens/token-ledger.ts';
import { createVendorCore } from '../fake-vendor/vendor-core.ts';
import { createDeviceFlow } from './device-flow.ts';
import { createOauthSite } from './oauth-site.ts';
import { type OauthTable, type OauthTableInput, parseOauthTable } from './table.ts';

/** What tests may know about a fake that was made from a table. */
export const oauthStateSchema = vendorStateSchema.extend({
  devices: z.array(z.object({ userCode: z.string(), outcome: z.string(), intervalSeconds: z.number() })),
});

export type OauthState = z.infer<typeof oauthStateSchema>;
export type FakeOauth = FakeVendor<OauthState>;

/**
 * A vendor made from a table: the code flow (RFC 6749 §4.1, RFC 7636), the device flow (RFC 8628), refreshes, and
 * the routes of its API. As strict as the RFCs; where a real vendor is not, the table says so.
 *
 * @example
 * const vendor = createFakeOauth({
 *   product: 'Example',
 *   clients: [{ id: 'example-cli', scopes: ['chat'] }],
 *   device: { host: 'auth.example.com', path: '/device/code', page: { host: 'auth.example.com', path: '/device' } },
 *   token: { host: 'auth.example.com', path: '/token' },
 *   tokens: {},
 *   routes: [{ host: 'api.example.com', method: 'POST', path: '/v1/chat', answer: { kind: 'chat-completions' } }],
 * });
 * const internet = await createFakeInternet({ directory, sites: vendor.sites });
 */
export function createFakeOauth(input: OauthTableInput, options: FakeVendorOptions = {}): FakeOauth {
  const table = parseOauthTable(input);
  const { tokens, product } = table;
  const core = createVendorCore<object>(options, {
    accessLifetimeSeconds: tokens.accessLifetimeSeconds ?? FOREVER_SECONDS,
    rotates: tokens.refresh === 'rotating',
    apiKeyPrefix: tokens.prefix,
    mint: (mint) => mintTokens(mint, table),
  });
  const devices = table.device && createDeviceFlow(core.clock, { canary: core.canaries.code, ...table.device });
  const endDevice = (userCode: string, approved: boolean): void => devices?.decide(userCode, approved);
  const pages = createSignInPages({ ...core, product, formTargets: formTargetsOf(table), endDevice });
  const site = createOauthSite({ ...core, table, devices, pages });
  const state = (): OauthState => oauthStateSchema.parse({ ...core.state(), devices: devices?.all() ?? [] });
  return {
    sites: Object.fromEntries(hostsOf(table).map((host) => [host, site])),
    control: { setFaults: core.switches.change, state },
    canary: core.canaries.token,
    codeCanary: core.canaries.code,
    state,
  };
}

const FOREVER_SECONDS = 10 * 365 * 24 * 60 * 60;

/** The answer of the token endpoint (RFC 6749 §5.1). */
function mintTokens(mint: Mint, { tokens }: OauthTable): object {
  const { prefix, accessLifetimeSeconds, refresh } = tokens;
  const renewed = refresh === 'rotating' || (refresh === 'reusable' && mint.occasion === 'login');
  return {
    access_token: mint.add('access', mint.opaque(prefix)),
    token_type: tokens.type,
    ...(accessLifetimeSeconds !== null && { expires_in: mint.lifetimeSeconds }),
    ...(renewed && { refresh_token: mint.add('refresh', mint.opaque(`${prefix}r_`)) }),
    scope: mint.family.scope,
  };
}

/** Where a submitted form may be redirected to; a loopback callback has any port. */
function formTargetsOf({ clients }: OauthTable): readonly string[] {
  const targets = clients.flatMap(({ redirectUris }) => redirectUris.map((uri) => new URL(uri)));
  return [
    ...new Set(
      targets.map(({ protocol, hostname, origin }) => (protocol === 'http:' ? `http://${hostname}:*` : origin)),
    ),
  ];
}

function hostsOf({ authorize, device, token, revoke, routes }: OauthTable): readonly string[] {
  const places = [authorize, device, device?.page, token, revoke, ...routes];
  return [...new Set(places.flatMap((place) => (place ? [place.host] : [])))];
}
