import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import { type Controllable, personMachineId, sendJson, type Site } from '../fake-internet/site.ts';

export interface FakeLogin {
  readonly sites: Readonly<Record<string, Site>>;
  readonly control: Controllable;
}

const faultsSchema = z.strictObject({
  /** The user refuses. */
  denyLogin: z.boolean(),
  /** The redirect carries another `state` than the link did. */
  wrongState: z.boolean(),
});

/** `login.fake.test`, where the fake CLI sends users: it signs everybody in at once, without a page. */
export function createFakeLogin(): FakeLogin {
  let faults: z.infer<typeof faultsSchema> = { denyLogin: false, wrongState: false };
  const visitors: string[] = [];

  const site: Site = (request, response, visit) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
    const [redirect, state] = [searchParams.get('redirect_uri') ?? '', searchParams.get('state') ?? ''];
    const registered = /^http:\/\/127\.0\.0\.1:\d+\/callback$/.test(redirect) || redirect === pastePage;
    if (pathname === '/code') {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.end(searchParams.get('code') ?? searchParams.get('error') ?? '');
      return;
    }
    if (pathname !== '/authorize' || !registered || state === '' || searchParams.get('response_type') !== 'code') {
      sendJson(response, 400, { error: { message: 'This sign-in link is not valid.' } });
      return;
    }
    visitors.push(visit.machineId);
    const target = new URL(redirect);
    if (faults.denyLogin) target.searchParams.set('error', 'access_denied');
    else target.searchParams.set('code', `code-${randomBytes(12).toString('hex')}`);
    target.searchParams.set('state', faults.wrongState ? `wrong-${state}` : state);
    // The user's own browser finds the page that shows the code below the loopback server, too.
    const isPerson = visit.machineId === personMachineId;
    response.writeHead(302, { location: isPerson ? target.href.replace('https://', '../') : target.href });
    response.end();
  };

  return {
    sites: { 'login.fake.test': site },
    control: {
      setFaults(change) {
        faults = faultsSchema.parse({ ...faults, ...z.record(z.string(), z.unknown()).parse(change) });
      },
      state: () => ({ faults, visitors }),
    },
  };
}

/** Shows the code, for the login method in which a user carries it over. */
const pastePage = 'https://login.fake.test/code';
