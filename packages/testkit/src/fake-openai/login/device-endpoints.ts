import type { IncomingMessage, ServerResponse } from 'node:http';

import { sendJson, type Visit } from '../../fake-internet/site.ts';
import type { AuthorizationCodes } from '../../fake-vendor/tokens/authorization-codes.ts';
import { codexClientId } from './authorization-request.ts';
import type { DeviceAuthorizations } from './device-authorizations.ts';
import { parseParameters } from '../../fake-vendor/request.ts';

/** What the CLI names as `redirect_uri` when it redeems a device's code; nothing is ever sent there. */
const deviceRedirect = 'https://auth.openai.com/deviceauth/callback';

/** The two calls of `codex login --device-auth`. False where the path is neither. */
export function answerDeviceEndpoint(
  request: IncomingMessage,
  response: ServerResponse,
  { devices, codes }: { readonly devices: DeviceAuthorizations; readonly codes: AuthorizationCodes },
  path: string,
  visit: Visit,
): boolean {
  const parameters = parseParameters(request, visit.body);
  switch (`${request.method} ${path}`) {
    case 'POST /api/accounts/deviceauth/usercode': {
      if (parameters.get('client_id') !== codexClientId) {
        sendError(response, 400, 'invalid_client');
        return true;
      }
      const device = devices.start();
      sendJson(response, 200, {
        device_auth_id: device.id,
        user_code: device.userCode,
        interval: '1',
        expires_at: new Date(device.expiresAt).toISOString(),
      });
      return true;
    }
    case 'POST /api/accounts/deviceauth/token': {
      const device = devices.byId(parameters.get('device_auth_id') ?? '');
      if (!device || device.userCode !== parameters.get('user_code') || device.outcome === 'collected') {
        sendError(response, 400, 'deviceauth_expired');
      } else if (device.outcome === 'denied') {
        sendError(response, 400, 'deviceauth_denied');
      } else if (device.outcome === 'pending') {
        sendError(response, 403, 'deviceauth_authorization_pending');
      } else {
        devices.mark(device.userCode, 'collected');
        sendJson(response, 200, {
          authorization_code: codes.issue({ challenge: device.challenge, redirectUri: deviceRedirect }),
          code_verifier: device.verifier,
          code_challenge: device.challenge,
        });
      }
      return true;
    }
    default:
      return false;
  }
}

function sendError(response: ServerResponse, status: number, code: string): void {
  sendJson(response, status, { error: { code, message: code.replaceAll('_', ' ') } });
}
