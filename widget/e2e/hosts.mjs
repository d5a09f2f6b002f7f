// Pages that frame the widget as the CRMs do, from another origin than the widget's, and answer their
// kits. Each notes in its title what it was asked.

/** The page around the frame; a neighbor beside it shouts forged answers into it. */
const page = (widget, { name = '', query = '', answers, neighbor = '' }) => `<!doctype html>
<title></title>
<iframe name="${name}" width="320" height="600" src="${widget}${query}"></iframe>
${neighbor && `<iframe hidden src="${neighbor}"></iframe>`}
<script>
  const note = (what) => (document.title += '/' + what);
  addEventListener('message', ({ data, source, ports: [port] }) => {
    ${answers}
  });
</script>`;

/** Pipedrive's kit names itself by an id, and gets each answer on a port of its own. */
export const pipedrive = (widget) =>
  page(`${widget}/embed/pipedrive`, {
    query: '?id=runtime-7&token=first',
    answers: `
      if (data.id !== 'runtime-7' || !port) return;
      note(data.payload.command);
      port.postMessage({
        data: data.payload.command === 'get_signed_token' ? { token: 'fresh' } : {},
      });`,
  });

/** monday's kit gets each answer by the id of its request, and asks for the record, too. */
export const monday = (widget) =>
  page(`${widget}/embed/monday`, {
    query: '?sessionToken=first',
    answers: `
      if (data.method !== 'get') return;
      note(data.args.type);
      const answer = { sessionToken: 'fresh', context: { itemId: 5 } }[data.args.type];
      source.postMessage({ ...data, data: answer }, '*');`,
  });

/** The Canvas kit gets its answers by a running number, which others can guess. */
export const canvas = (widget, forger) =>
  page(`${widget}/embed/canvas`, {
    name: 'canvas-frame-7',
    neighbor: forger,
    answers: `
      if (typeof data !== 'string') return;
      const { seq, body } = JSON.parse(data);
      note(body.type);
      const answer = {
        targetModule: 'Canvas', type: 'callback', seq, status: 200,
        payload: { response: 'fresh' },
      };
      // Late, so that a forged answer would be first.
      if (body.type === 'refresh') setTimeout(() => source.postMessage(JSON.stringify(answer), '*'), 300);`,
  });

/** A frame beside the widget that answers in the CRM's place, without being asked. */
export const forger = () => `<!doctype html><script>
  setInterval(() => {
    for (let seq = 0; seq < 60; seq += 1) {
      parent.frames[0].postMessage(
        JSON.stringify({
          targetModule: 'Canvas', type: 'callback', seq, status: 200, payload: { response: 'forged' },
        }),
        '*',
      );
    }
  }, 50);
</script>`;
