// The host page's half of the protocol: hand out tokens, follow the widget's height, post to the books.
'use strict';

const frame = document.getElementById('pulse');
const toast = document.getElementById('toast');
const widgetOrigin = frame.dataset.origin;

const LOWEST = 120;
const HIGHEST = 4000;

async function renew() {
  const response = await fetch(frame.dataset.token, { cache: 'no-store' });
  if (!response.ok) return;
  const { token } = await response.json();
  frame.contentWindow.postMessage({ type: 'pulse:token', token }, widgetOrigin);
}

window.addEventListener('message', (event) => {
  // Only the widget itself, and only from where it was loaded.
  if (event.origin !== widgetOrigin || event.source !== frame.contentWindow) return;
  const message = event.data;
  if (typeof message !== 'object' || message === null) return;
  if (message.type === 'pulse:renew') {
    renew().catch(() => say('The CRM could not renew the session.'));
  } else if (message.type === 'pulse:resize' && Number.isFinite(message.height)) {
    const height = Math.min(Math.max(Math.ceil(message.height), LOWEST), HIGHEST);
    frame.style.height = `${height}px`;
  }
});

let hide;
function say(text) {
  toast.textContent = text;
  toast.classList.add('shown');
  clearTimeout(hide);
  hide = setTimeout(() => toast.classList.remove('shown'), 4000);
}

for (const button of document.querySelectorAll('button[data-post]')) {
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      const response = await fetch(button.dataset.post, { method: 'POST' });
      if (!response.ok) throw new Error(String(response.status));
      const { amount, currency, number } = await response.json();
      say(number ? `Invoice ${number}: ${currency} ${amount}` : `Payment received: ${currency} ${amount}`);
    } catch {
      say('The sandbox accounting server did not answer.');
    } finally {
      button.disabled = false;
    }
  });
}
