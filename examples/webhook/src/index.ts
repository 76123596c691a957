export { createWebhook } from './webhook.ts';
export type { Webhook, WebhookOptions } from './webhook.ts';
