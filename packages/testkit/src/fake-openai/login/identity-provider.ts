import { sendJson, type Site } from '../../fake-internet/site.ts';
import { parseParameters } from '../../fake-vendor/request.ts';
import { devicePage } from '../../fake-vendor/sign-in/device-page.ts';
import type { LoginDesk } from '../../fake-vendor/sign-in/login-desk.ts';
import { createSignInPages } from '../../fake-vendor/sign-in/sign-in-pages.ts';
import { answerTokenEndpoint, type TokenEndpointParts } from '../tokens/token-endpoint.ts';
import { parseAuthorizationRequest, registeredRedirects } from './authorization-request.ts';
import type { DeviceAuthorizations } from './device-authorizations.ts';
import { answerDeviceEndpoint } from './device-endpoints.ts';

export interface IdentityProviderParts extends TokenEndpointParts {
  readonly desk: LoginDesk;
  readonly devices: DeviceAuthorizations;
}

/** `auth.openai.com`: the pages a user sees and the endpoints the CLI calls. */
export function createIdentityProvider(parts: IdentityProviderParts): Site {
  const { devices, ledger } = parts;
  const pages = createSignInPages({
    ...parts,
    product: 'Codex',
    formTargets: registeredRedirects.map((redirect) => new URL(redirect).origin),
    endDevice: (userCode, approved) => devices.mark(userCode, approved ? 'approved' : 'denied'),
  });
  return (request, response, visit) => {
    if (pages.answer(request, response, visit)) return;
    const { pathname, searchParams } = new URL(request.url ?? '/', `https://${visit.host}`);
    const parameters = parseParameters(request, visit.body);
    switch (`${request.method} ${pathname}`) {
      case 'GET /oauth/authorize':
        pages.open(response, parseAuthorizationRequest(searchParams), visit, '../');
        return;
      case 'GET /codex/device':
        pages.show(response, devicePage('/codex/device', '../'));
        return;
      case 'POST /codex/device': {
        const device = devices.byUserCode(parameters.get('user_code') ?? '');
        if (device?.outcome === 'pending') pages.openDevice(response, device.userCode, visit, '../');
        else pages.show(response, devicePage('/codex/device', '../', 'That code is not known or has expired.'));
        return;
      }
      case 'POST /oauth/token':
        answerTokenEndpoint(response, parts, parameters, visit);
        return;
      case 'POST /oauth/revoke':
        ledger.revoke(parameters.get('token') ?? '', 'revoked');
        sendJson(response, 200, {});
        return;
      default:
        if (answerDeviceEndpoint(request, response, parts, pathname, visit)) return;
        sendJson(response, 404, { error: { message: `No such page: ${pathname}`, code: 'not_found' } });
    }
  };
}
