// The tokens of the CRMs that publish no library to sign with, as data: both jose and PyJWT sign each.
// What is known of each shape, and how surely, is told in docs/crm.md.

/** The accounts registered for the tenant `acme`, where the key is the app's. */
export const ACCOUNTS = {
  pipedrive: '54321',
  monday: '1825528',
  'atlassian-forge': '9f3a6f0e-2d1c-4b5a-8e7f-0a1b2c3d4e5f',
  dynamics: '72f988bf-86f1-41af-91ab-2d7cd011db47',
  'salesforce-canvas': '00Dx0000000BV7z',
  hubspot: '1234567',
  followupboss: '77',
};

/** The issuers registered. */
export const ISSUERS = {
  zendesk: 'acme.zendesk.com',
  'atlassian-connect': 'b7f6a1c2-acme-client-key',
  salesforce: '00Dx0000000BV7z',
};

/** The audiences registered. */
export const AUDIENCES = {
  zendesk: 'https://acme.zendesk.com/api/v2/apps/installations/123.json',
  'atlassian-forge': 'ari:cloud:ecosystem::app/0d8f8e9a-3b0c-4d7e-9f11-22b33c44d55e',
  dynamics: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
};

const PERSON = '5f0e2b7c-1d3a-4e6f-9a8b-7c6d5e4f3a2b';

/**
 * Each shape: the claims beside the times, how long it lives, at which door it is shown, and what the
 * answer then says. A time of 0 stands for now, and `exp` for seconds from now. `wrong` names claims that spoil it, one thing at a time; that a wrong key and an
 * old token are refused is tried with every shape.
 */
export const shapes = () => [
  {
    name: 'pipedrive',
    algorithm: 'HS256',
    key: 'pipedrive',
    claims: { userId: 12345, companyId: 54321 },
    life: 300,
    door: { load: '/embed/pipedrive', parameter: 'token', with: { resource: 'person', view: 'details', selectedIds: '42', userId: '12345', companyId: '54321' } },
    proves: { tenant: 'acme', preset: 'pipedrive', contactId: 'pipedrive:person:42' },
    wrong: { 'an account that nobody registered': { companyId: 54322 } },
  },
  {
    name: 'pipedrive, spelled with underscores',
    algorithm: 'HS256',
    key: 'pipedrive',
    claims: { user_id: 12345, company_id: 54321 },
    life: 300,
    door: { exchange: '/exchange/pipedrive', with: { contact: 'organization:9' } },
    proves: { tenant: 'acme', preset: 'pipedrive', contactId: 'pipedrive:organization:9' },
    wrong: { 'a life of a day': { exp: 86_400 } },
  },
  {
    name: 'zendesk',
    algorithm: 'RS256',
    key: 'RS256-ours',
    claims: {
      iss: ISSUERS.zendesk,
      aud: AUDIENCES.zendesk,
      sub: 'https://acme.zendesk.com/api/v2/users/10.json',
      context: { product: 'support', location: 'ticket_sidebar' },
    },
    life: 60,
    door: { form: '/embed/acme/zendesk', parameter: 'token', query: { origin: 'https://acme.zendesk.com', app_guid: 'a1' } },
    proves: { tenant: 'acme', preset: 'zendesk', contactId: null },
    wrong: {
      'another installation': { aud: 'https://acme.zendesk.com/api/v2/apps/installations/124.json' },
      'another Zendesk': { iss: 'globex.zendesk.com' },
    },
  },
  {
    name: 'zendesk, its issuer with a scheme before it',
    algorithm: 'RS256',
    key: 'RS256-ours',
    claims: { iss: `https://${ISSUERS.zendesk}`, aud: AUDIENCES.zendesk },
    life: 60,
    door: { form: '/embed/acme/zendesk', parameter: 'token', query: {} },
    proves: { tenant: 'acme', preset: 'zendesk' },
    wrong: { 'another scheme': { iss: `http://${ISSUERS.zendesk}` } },
  },
  {
    name: 'zendesk-proxy',
    algorithm: 'HS256',
    key: 'zendesk-proxy',
    claims: { iss: 'acme', aud: 'financial-pulse', sub: '10', contact: 'user:11' },
    life: 60,
    door: { exchange: '/exchange/acme/zendesk-proxy', with: {} },
    proves: { tenant: 'acme', preset: 'zendesk-proxy', contactId: 'zendesk:user:11' },
    wrong: { 'another audience': { aud: 'somebody else' }, 'another tenant': { iss: 'globex' } },
  },
  {
    name: 'monday',
    algorithm: 'HS256',
    key: 'monday',
    claims: { dat: { account_id: 1825528, user_id: 4012689, is_view_only: false } },
    life: 300,
    door: { load: '/embed/monday', parameter: 'sessionToken', with: { itemId: '7' } },
    proves: { tenant: 'acme', preset: 'monday', contactId: 'monday:item:7' },
    wrong: { 'an account that nobody registered': { dat: { account_id: 1, user_id: 2 } } },
  },
  {
    name: 'salesforce',
    algorithm: 'RS256',
    key: 'RS256-ours',
    claims: { iss: ISSUERS.salesforce, sub: '005x0000001SyyE', aud: 'financial-pulse', contactId: '003x000000OTzqx', role: 'rep' },
    life: 120,
    door: { load: '/embed/acme/salesforce', parameter: 'token', with: {} },
    proves: { tenant: 'acme', preset: 'salesforce', contactId: 'salesforce:record:003x000000OTzqx' },
    wrong: { 'another organization': { iss: '00Dx0000000BV7y' }, 'a role that there is not': { role: 'emperor' } },
  },
  {
    name: 'dynamics',
    algorithm: 'RS256',
    key: 'RS256-ours',
    kid: 'RS256-ours',
    claims: {
      iss: `https://login.microsoftonline.com/${ACCOUNTS.dynamics}/v2.0`,
      aud: AUDIENCES.dynamics,
      tid: ACCOUNTS.dynamics,
      oid: PERSON,
      sub: 'pairwise',
      azp: 'client',
      scp: 'access',
      ver: '2.0',
      nbf: 0,
    },
    life: 3900,
    door: { exchange: '/exchange/dynamics', query: { id: '{5F0E2B7C-1D3A-4E6F-9A8B-7C6D5E4F3A2B}', typename: 'contact', type: '2', orgname: 'acme' }, with: {} },
    proves: { tenant: 'acme', preset: 'dynamics', contactId: `dynamics:contact:${PERSON}` },
    wrong: {
      'a token for another API': { aud: 'https://acme.crm.dynamics.com' },
      'a directory that nobody registered': { tid: PERSON, iss: `https://login.microsoftonline.com/${PERSON}/v2.0` },
      'an issuer of another directory': { iss: `https://login.microsoftonline.com/${PERSON}/v2.0` },
    },
  },
  {
    name: 'atlassian-forge',
    algorithm: 'RS256',
    key: 'RS256-ours',
    kid: 'RS256-ours',
    claims: {
      iss: 'forge/invocation-token',
      aud: AUDIENCES['atlassian-forge'],
      app: { id: AUDIENCES['atlassian-forge'], apiBaseUrl: 'https://api.atlassian.com' },
      context: { cloudId: ACCOUNTS['atlassian-forge'], extension: { issue: { id: '10001' } } },
      principal: '557058:anna',
      nbf: 0,
    },
    life: 300,
    door: { exchange: '/exchange/atlassian-forge', with: {} },
    proves: { tenant: 'acme', preset: 'atlassian-forge', contactId: 'atlassian:issue:10001' },
    wrong: {
      'a token of another app': { aud: 'ari:cloud:ecosystem::app/11111111-2222-3333-4444-555555555555' },
      'another issuer': { iss: 'forge/somebody' },
    },
  },
  ...['HS256', 'RS256', 'ES256', 'EdDSA'].map((algorithm) => ({
    name: `native ${algorithm}`,
    algorithm,
    key: algorithm === 'HS256' ? 'native' : `${algorithm}-ours`,
    claims: { iss: 'acme', aud: 'financial-pulse', sub: 'user-7', contact: 'person:42', company: 'company:9', role: 'finance' },
    life: 300,
    door: { load: '/embed/acme/native', parameter: 'token', with: {} },
    proves: { tenant: 'acme', preset: 'native', contactId: 'native:person:42', company: 'native:company:9' },
    wrong: {
      'another audience': { aud: 'somebody else' },
      'another issuer': { iss: 'globex' },
      'another tenant than the key’s': { tenant: 'globex' },
      'a life of an hour': { exp: 3600 },
      'a qsh, which makes it another kind': { qsh: 'context-qsh' },
    },
  })),
];
