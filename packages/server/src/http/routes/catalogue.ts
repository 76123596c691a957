import {
  consentOf,
  credentialListSchema,
  emptyBodySchema,
  hostLoadSchema,
  importBodySchema,
  machineListSchema,
  machineParamsSchema,
  providerListSchema,
  providerParamsSchema,
  resolveUserId,
  userQuerySchema,
} from '@sallyport/core';
import type { Sallyport } from '@sallyport/core';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { describeChoice } from './logins.ts';

/** Providers, connected logins and machines of one user. */
export const catalogueRoutes: FastifyPluginAsyncZod<{ readonly sallyport: Sallyport }> = async (app, { sallyport }) => {
  app.get(
    '/api/providers',
    { schema: { querystring: userQuerySchema, response: { 200: providerListSchema } } },
    async (request) => {
      // Whoever looks at what can be connected is about to click.
      sallyport.warmPool.expect();
      const connected = await sallyport.credentials.list(resolveUserId(request.query.userId).userId);
      return sallyport.providers.list().map(({ manifest }) => {
        const credential = connected.find((choice) => choice.provider === manifest.id);
        const selection = sallyport.logins.selection(manifest.id);
        const refusal = sallyport.gate.closed(manifest.id);
        return {
          id: manifest.id,
          title: manifest.title,
          connected: credential !== undefined,
          valid: credential?.valid ?? null,
          problem: credential?.problem ?? null,
          loginExpiresAt: toIso(credential?.facts.loginExpiresAt),
          endsSoon: credential?.endsSoon ?? false,
          account: credential?.facts.account ?? null,
          kind: credential?.facts.kind ?? null,
          methods: selection.choices.map(describeChoice),
          unavailable: selection.unavailable.map(({ method, reason }) => ({
            id: method.id,
            title: method.title,
            reason,
          })),
          terms: manifest.terms.url,
          termsReviewed: manifest.terms.reviewed,
          consent: consentOf(manifest),
          disabled: refusal ? { reason: refusal.message, hint: refusal.hint } : null,
        };
      });
    },
  );

  app.get(
    '/api/credentials',
    { schema: { querystring: userQuerySchema, response: { 200: credentialListSchema } } },
    async (request) => {
      const connected = await sallyport.credentials.list(resolveUserId(request.query.userId).userId);
      return connected.map(({ provider, version, valid, problem, endsSoon, facts, lastVerified, updatedAt }) => ({
        provider,
        version,
        valid,
        problem,
        endsSoon,
        account: facts.account ?? null,
        kind: facts.kind,
        accessExpiresAt: toIso(facts.accessExpiresAt),
        loginExpiresAt: toIso(facts.loginExpiresAt),
        lastVerified: lastVerified?.toISOString() ?? null,
        updatedAt: updatedAt.toISOString(),
      }));
    },
  );

  app.delete(
    '/api/credentials/:provider',
    {
      schema: {
        params: providerParamsSchema,
        querystring: userQuerySchema,
        body: emptyBodySchema,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await sallyport.credentials.disconnect(resolveUserId(request.query.userId).userId, request.params.provider);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/api/credentials/:provider',
    {
      schema: {
        params: providerParamsSchema,
        body: importBodySchema,
        response: { 201: z.object({ version: z.number().int() }) },
      },
    },
    async (request, reply) => {
      const { userId, ...login } = request.body;
      const stored = await sallyport.credentials.import({
        ...resolveUserId(userId),
        provider: request.params.provider,
        ...login,
      });
      return reply.code(201).send(stored);
    },
  );

  app.get(
    '/api/vms',
    { schema: { querystring: userQuerySchema, response: { 200: machineListSchema } } },
    async (request) => {
      const machines = await sallyport.machines.list(resolveUserId(request.query.userId).userId);
      return machines.map((machine) => ({
        vmId: machine.machineId,
        type: machine.role,
        status: machine.state,
        driver: machine.driver,
        host: machine.host,
        memoryMb: machine.memoryMb,
        createdAt: machine.createdAt.toISOString(),
      }));
    },
  );

  app.get('/api/vms/load', { schema: { response: { 200: hostLoadSchema } } }, async () => {
    const { waiting, underWay, running, hibernated, reserved, limits } = await sallyport.machines.host();
    const memoryLimitMb = Number.isFinite(limits.memoryMb) ? limits.memoryMb : null;
    return { waiting, underWay, running, hibernated, reservedMemoryMb: reserved.memoryMb, memoryLimitMb };
  });

  for (const action of ['hibernate', 'wake', 'destroy'] as const) {
    app.post(
      `/api/vms/:id/${action}`,
      {
        schema: {
          params: machineParamsSchema,
          querystring: userQuerySchema,
          body: emptyBodySchema,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await sallyport.machines[action](resolveUserId(request.query.userId).userId, request.params.id);
        return reply.code(204).send(null);
      },
    );
  }
};

function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
