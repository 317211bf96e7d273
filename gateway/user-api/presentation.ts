import type { ApiPresentation } from '../shared/openapi/serve.ts';

/** What the document of the User API Gateway says beyond its routes. */
export const USER_API: ApiPresentation = {
  title: 'CyNodeAI User API',
  description:
    'What people and their programs talk to: log in, hand over tasks, get results. Unknown members of a body are ignored. ' +
    'Every error is a problem (RFC 9457) whose detail says what to do.',
  tags: {
    auth: 'Logging in and out',
    tasks: 'Tasks of the caller',
    chat: 'Questions to the models, in the form of OpenAI, and their threads',
    nodes: 'Worker nodes',
    users: 'Users; all but users/me for administrators',
    system: 'Settings, for administrators',
    health: 'For operators and their tools',
  },
  bearers: { accessToken: 'The access_token of POST /v1/auth/login.' },
};
