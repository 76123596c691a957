import type { OauthTableInput } from '@sallyport/testkit/vendors';

const api = { host: 'api.githubcopilot.com' };

/** GitHub as far as opencode uses it: a device login, a list of models, and one model. */
export const vendor: OauthTableInput = {
  product: 'opencode',
  clients: [{ id: 'Ov23li8tweQw6odWQebz', scopes: ['read:user'] }],
  device: {
    host: 'github.com', path: '/login/device/code', intervalSeconds: 1,
    page: { host: 'github.com', path: '/login/device' },
  },
  // It answers 200 whatever it has to say, and its tokens neither end nor are refreshed.
  token: { host: 'github.com', path: '/login/oauth/access_token', body: 'json', refusalStatus: 200 },
  tokens: { prefix: 'gho_', accessLifetimeSeconds: null, refresh: 'none' },
  routes: [
    { ...api, method: 'GET', path: '/models', answer: { kind: 'json', body: { data: [model('gpt-5-mini')] } } },
    {
      ...api, method: 'POST', path: '/chat/completions',
      answer: {
        kind: 'chat-completions',
        shellTool: { name: 'bash', command: 'command', others: { description: 'What the prompt asks for' } },
      },
    },
  ],
};

function model(id: string): object {
  const limits = { max_context_window_tokens: 128_000, max_output_tokens: 16_000, max_prompt_tokens: 128_000 };
  return {
    id, name: id, version: id, model_picker_enabled: true, policy: { state: 'enabled' },
    supported_endpoints: ['/chat/completions'],
    capabilities: { family: id, limits, supports: { tool_calls: true, streaming: true } },
  };
}
