import {
  emptyBodySchema,
  hostLoadSchema,
  machineListSchema,
  machineParamsSchema,
  machineSchema,
  userQuerySchema,
} from '@sallyport/core/protocol';
import type { Sallyport } from '@sallyport/core';
import type { MachineRecord } from '@sallyport/core/store';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { userOf } from '../../auth/caller.ts';

/** The machines of a user, and the load of this host. */
export const machineRoutes: FastifyPluginAsyncZod<{ readonly sallyport: Sallyport }> = async (app, { sallyport }) => {
  app.get(
    '/api/vms',
    {
      config: { access: 'user' },
      schema: {
        operationId: 'listMachines',
        tags: ['machines'],
        summary: 'List the machines of a user',
        querystring: userQuerySchema,
        response: { 200: machineListSchema },
      },
    },
    async (request) => {
      const machines = await sallyport.machines.list(userOf(request, request.query.userId).userId);
      return machines.map(describeMachine);
    },
  );

  app.get(
    '/api/vms/:id',
    {
      config: { access: 'user' },
      schema: {
        operationId: 'readMachine',
        tags: ['machines'],
        summary: 'Read a machine',
        params: machineParamsSchema,
        querystring: userQuerySchema,
        response: { 200: machineSchema },
      },
    },
    async (request) => {
      const { userId } = userOf(request, request.query.userId);
      return describeMachine(await sallyport.machines.get(userId, request.params.id));
    },
  );

  app.get(
    '/api/vms/load',
    {
      config: { access: 'service' },
      schema: {
        operationId: 'readHostLoad',
        tags: ['machines'],
        summary: 'Read what this host does at the moment',
        response: { 200: hostLoadSchema },
      },
    },
    async () => {
      const { waiting, underWay, running, hibernated, reserved, limits } = await sallyport.machines.host();
      const memoryLimitMb = Number.isFinite(limits.memoryMb) ? limits.memoryMb : null;
      return { waiting, underWay, running, hibernated, reservedMemoryMb: reserved.memoryMb, memoryLimitMb };
    },
  );

  for (const [action, verb] of machineActions) {
    app.post(
      `/api/vms/:id/${action}`,
      {
        config: { access: 'machines' },
        schema: {
          operationId: `${action}Machine`,
          tags: ['machines'],
          summary: `${verb} a machine`,
          params: machineParamsSchema,
          querystring: userQuerySchema,
          body: emptyBodySchema,
          response: { 204: z.null() },
        },
      },
      async (request, reply) => {
        await sallyport.machines[action](userOf(request, request.query.userId).userId, request.params.id);
        return reply.code(204).send(null);
      },
    );
  }
};

function describeMachine(machine: MachineRecord): z.infer<typeof machineSchema> {
  return {
    vmId: machine.machineId,
    type: machine.role,
    status: machine.state,
    driver: machine.driver,
    host: machine.host,
    memoryMb: machine.memoryMb,
    createdAt: machine.createdAt.toISOString(),
  };
}

const machineActions = [
  ['hibernate', 'Hibernate'],
  ['wake', 'Wake'],
  ['destroy', 'Destroy'],
] as const;
