// The doors of the installation under test, and what they answer.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export const stage = JSON.parse(readFileSync(process.env.PULSE_TEST_STAGE, 'utf8'));

/** What the operator's command prints. */
export const operator = (...args) =>
  execFileSync(stage.operator.binary, args, { cwd: stage.operator.folder, env: stage.operator.env, encoding: 'utf8' });

/** The address of a path with parameters. */
export const address = (path, parameters = {}) => {
  const query = new URLSearchParams(parameters).toString();
  return `${stage.url}${path}${query ? `?${query}` : ''}`;
};

const ask = (url, options) => fetch(url, { redirect: 'manual', ...options });

/** What a CRM does that loads a page by its address. */
export const load = (path, parameters) => ask(address(path, parameters));

/** What a CRM does that posts a form. */
export const post = (path, form, query) =>
  ask(address(path, query), { method: 'POST', body: new URLSearchParams(form) });

/** What code does that trades a bearer. */
export const trade = (path, bearer, body, query) =>
  ask(address(path, query), {
    method: 'POST',
    headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Shows a token at a shape's door. */
export const show = ({ door }, token) => {
  if (door.load) return load(door.load, { ...door.with, [door.parameter]: token });
  if (door.form) return post(door.form, { [door.parameter]: token }, door.query);
  return trade(door.exchange, token, door.with, door.query);
};

/** What a page or an exchange says of whoever came in. */
export const said = async (answer) => {
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  const block = /<script type="application\/json" id="pulse-boot">(.*?)<\/script>/s.exec(text);
  const words = JSON.parse(block ? block[1] : text);
  return words;
};

/** Came in, and is who it should be; with a session under which the API answers. */
export const enters = async (answer, proves) => {
  const words = await said(answer);
  const reply = await ask(address('/graphql'), {
    method: 'POST',
    headers: { Authorization: `Bearer ${words.session}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: '{ viewer { role contactId } }' }),
  });
  assert.equal(reply.status, 200);
  const { data } = await reply.json();
  assert.equal(data.viewer.contactId, words.contactId ?? null);
  const all = { ...words, role: data.viewer.role };
  for (const [name, value] of Object.entries(proves)) assert.equal(all[name], value, name);
};

/** Is refused, with the one answer that every refusal has. */
export const refused = async (answer) => {
  const text = await answer.text();
  assert.equal(answer.status, 401, text);
  assert.match(text, /the token was not accepted/);
};
