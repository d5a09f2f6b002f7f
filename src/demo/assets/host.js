// The contact page's own script: mounts the widget with tokens of its own server, and posts to the books.
'use strict';

const place = document.getElementById('pulse');
const toast = document.getElementById('toast');
let hide;

async function getToken() {
  const response = await fetch(place.dataset.token, { cache: 'no-store' });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  return (await response.json()).token;
}

if (window.FinancialPulse) {
  window.FinancialPulse.mount(place, {
    tenant: place.dataset.tenant,
    title: place.dataset.title,
    getToken,
    onError: ({ code }) =>
      say(code === 'TOKEN' ? 'The CRM could not sign a token.' : 'Financial Pulse did not come.'),
  });
} else {
  say('Financial Pulse did not answer.');
}

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
