/**
 * Who may import whom (docs/architecture.md draws it). A rule's comment says what to do instead.
 * Names of packages are matched in their resolved path below node_modules.
 */
const FOLDERS =
  'activities|agent|bench|bin|cli|contracts|gateway|node-agent|platform|schema|scripts|test|workers|workflows';
const PRODUCT = '^(activities|agent|bin|cli|contracts|gateway|node-agent|platform|schema|workers|workflows)/';

const npm = (...names) => `node_modules/(${names.join('|')})(/|$)`;

/** A folder may import itself and these others. */
function layer(folder, others, comment) {
  return {
    name: `${folder.replaceAll('/', '-')}-imports`,
    severity: 'error',
    comment,
    from: { path: `^${folder}/` },
    to: { path: `^(${FOLDERS})/`, pathNot: `^(${[folder, ...others].join('|')})/` },
  };
}

/** Only these folders may import these packages. */
function only(name, importers, packages, comment) {
  return {
    name,
    severity: 'error',
    comment,
    from: { path: PRODUCT, pathNot: importers },
    to: { path: npm(...packages) },
  };
}

/** A folder may import no package (nor Node's own modules) but these. */
function packagesOf(folder, packages, comment) {
  return {
    name: `${folder}-packages`,
    severity: 'error',
    comment,
    from: { path: `^${folder}/` },
    to: { pathNot: [`^(${FOLDERS})/`, npm(...packages)] },
  };
}

export default {
  forbidden: [
    layer(
      'contracts',
      [],
      'Contracts know nobody. Move what they need into contracts/, or the code that needs it out.',
    ),
    packagesOf(
      'contracts',
      ['zod'],
      'Contracts are also loaded by workflows and the CLI: zod only. Put plumbing into platform/.',
    ),
    layer(
      'platform',
      ['contracts'],
      'Platform is plumbing for any process. Pass what belongs to one role in as an argument.',
    ),
    layer(
      'schema',
      ['contracts', 'platform'],
      'The database layer calls nobody. Return the data and let the caller act on it.',
    ),
    layer(
      'agent',
      ['contracts', 'platform'],
      'Agents are pure. Model, tools and checkpointer are ports handed in by workers/.',
    ),
    {
      name: 'agent-platform-types-only',
      severity: 'error',
      comment: 'Agents take only types from platform/. Hand the thing itself in as a port.',
      from: { path: '^agent/' },
      to: { path: '^platform/', dependencyTypesNot: ['type-only'] },
    },
    layer(
      'workflows',
      ['contracts'],
      'Workflows are deterministic. Ask for anything else through an activity.',
    ),
    packagesOf(
      'workflows',
      ['@temporalio/workflow', '@temporalio/common', 'zod'],
      'The bundler accepts packages that break determinism in silence. Do it in an activity.',
    ),
    layer(
      'activities',
      ['contracts', 'platform', 'schema', 'agent'],
      'Activities get what they need as dependencies of their factory.',
    ),
    {
      name: 'activities-agent-without-database',
      severity: 'error',
      comment:
        'The agent worker has no access to the application tables. Go through the control plane or the gateways.',
      from: { path: '^(activities/agent|workers/agent)' },
      to: { path: ['^schema/', npm('kysely')] },
    },
    {
      name: 'activities-without-agent',
      severity: 'error',
      comment: 'Only the activities of the agent worker run agents. Put this into activities/agent/.',
      from: { path: '^activities/', pathNot: '^activities/agent/' },
      to: { path: '^agent/' },
    },
    layer(
      'workers',
      ['activities', 'agent', 'schema', 'platform', 'contracts'],
      'Workers compose. They name workflows by the path of their bundle and import none.',
    ),
    layer(
      'gateway',
      ['contracts', 'platform', 'schema'],
      'Front doors start workflows by name through the Temporal client.',
    ),
    layer(
      'node-agent',
      ['contracts', 'platform'],
      'A node has no database and knows no gateway. Use the HTTP endpoints or an activity.',
    ),
    layer(
      'cli',
      ['contracts'],
      'cynork is a package of its own and must start fast. Share types through contracts/.',
    ),
    layer(
      'bin',
      ['gateway', 'workers', 'node-agent', 'schema', 'platform', 'contracts'],
      'Launchers only choose a role.',
    ),
    only(
      'database-packages',
      '^schema/',
      ['kysely', 'kysely-codegen', 'pg'],
      'Write a repository function in schema/ and call it.',
    ),
    only('docker-packages', '^node-agent/sandbox/', ['dockerode'], 'Use the ports of node-agent/sandbox/.'),
    only(
      'temporal-client',
      '^(gateway|workers|activities|node-agent|bin|platform/temporal)/',
      ['@temporalio/client'],
      'Use the functions of platform/temporal/, so that ids, queues and reuse policies stay in one place.',
    ),
    only(
      'temporal-worker',
      '^(workers|node-agent|bin|platform/temporal)/',
      ['@temporalio/worker'],
      'Temporal workers are made in workers/ and in the node agent.',
    ),
    only(
      'temporal-workflow',
      '^workflows/',
      ['@temporalio/workflow'],
      'This package works only inside a workflow.',
    ),
    {
      name: 'product-without-tools',
      severity: 'error',
      comment:
        'What is shipped does not depend on set-up, tests or benchmarks. Move shared code into platform/.',
      from: { path: PRODUCT },
      to: { path: '^(scripts|test|bench)/' },
    },
    {
      name: 'no-dev-packages-in-product',
      severity: 'error',
      comment: 'This package is not there in production. Make it a dependency, or do without.',
      from: { path: PRODUCT },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two modules that need each other are one, or have a third in common. Extract it.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      comment: 'The import leads nowhere. Mind the explicit .ts, and list packages in package.json.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
