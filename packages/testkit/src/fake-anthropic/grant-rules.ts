import type { GrantRules } from '../fake-vendor/tokens/answer-grant.ts';
import { claudeClientId } from './authorization-request.ts';

/** `POST /v1/oauth/token`, spoken to in JSON: it wants the state again, and may be asked for a token that lasts. */
export const grantRules: GrantRules = {
  checkClient: (get) =>
    get('client_id') === claudeClientId
      ? undefined
      : { error: 'invalid_client', description: 'client_id is not a registered application.', status: 401 },
  checkCode: (get) =>
    get('state') === '' ? { error: 'invalid_request', description: 'state is missing.' } : undefined,
  lifetimeSeconds: (get) => Number(get('expires_in')),
  staleRefresh: 'Refresh token not found or invalid',
  unknownGrant: () => 'The grant type is not known.',
};
