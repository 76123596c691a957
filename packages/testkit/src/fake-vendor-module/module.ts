import { SallyportError } from '@sallyport/core';
import type { FakeVendorModule, FakeVendorLogin, RunningFakeVendor } from '@sallyport/core';
import { z } from 'zod';

import { createFakeInternetControl } from '../fake-internet/control.ts';
import type { FakeInternetControl } from '../fake-internet/control.ts';
import { createFakeInternet } from '../fake-internet/fake-internet.ts';
import { visitSignInPages } from './sign-in-pages.ts';
import { fakeVendorScripts } from './vendors.ts';
import type { FakeVendorScript } from './vendors.ts';

/** For `sallyport providers verify`: the fake vendors of the providers that Sallyport brings. */
export const fakeVendors: FakeVendorModule = createFakeVendorModule(fakeVendorScripts);

/** The same for your vendors. Export it as `fakeVendors` and name the module in the configuration. */
export function createFakeVendorModule(scripts: readonly FakeVendorScript[]): FakeVendorModule {
  return {
    providers: scripts.map((script) => script.provider),
    open: async ({ provider, directory, clock }) => {
      const script = scripts.find((each) => each.provider === provider);
      if (!script) {
        throw new SallyportError('PROVIDER_UNKNOWN', `There is no fake vendor for ${provider}.`, {
          hint: 'Name a module that exports one as `fakeVendors` in the configuration.',
        });
      }
      const { sites, control } = script.create({ clock });
      const internet = await createFakeInternet({ directory, sites, controls: { [script.name]: control }, clock });
      const steering = createFakeInternetControl(internet.controlSocket);
      if (script.faults) await steering.setFaults({ [script.name]: script.faults });
      return runningFakeVendor(script, internet, steering, () => clock.now());
    },
  };
}

function runningFakeVendor(
  { name, answers = () => ({}) }: FakeVendorScript,
  internet: Awaited<ReturnType<typeof createFakeInternet>>,
  steering: FakeInternetControl,
  now: () => number,
): RunningFakeVendor {
  const state = async (): Promise<z.infer<typeof stateSchema>> => stateSchema.parse((await steering.state())[name]);
  return {
    egress: internet,
    signIn: async ({ url, userCode }) => {
      const readCode = async (login: string): Promise<string | undefined> =>
        (await state()).logins.find((each) => each.id === login)?.code;
      const page = await visitSignInPages({ url: internet.userUrl(url), userCode, readCode });
      if (page.status >= 400) {
        throw new SallyportError('LOGIN_DENIED', `The vendor's page refused the sign-in: ${wordsOf(page.text)}`);
      }
      return page;
    },
    answer: async (promptId) => answers((await steering.state())[name])[promptId],
    endAccessTokens: () => steering.setFaults({ [name]: { accessExpiredBefore: now() } }),
    lastLogin: async (): Promise<FakeVendorLogin | undefined> => (await state()).families.at(-1),
    close: () => internet.close(),
  };
}

/** What is read of a vendor's state; it tells more. */
const stateSchema = z.object({
  logins: z.array(z.object({ id: z.string(), code: z.string() })).default([]),
  families: z.array(z.object({ refreshes: z.number(), revokedBecause: z.string().nullable() })).default([]),
});

function wordsOf(html: string): string {
  return html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}
