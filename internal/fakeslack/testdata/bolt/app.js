// A small app on Slack's own framework. It answers what the test's people do, over Socket Mode or signed HTTP.
const { App, SocketModeReceiver, HTTPReceiver } = require('@slack/bolt');

const env = process.env;
const clientOptions = { slackApiUrl: env.FAKE_URL + '/api/', retryConfig: { retries: 0 }, rejectRateLimitedCalls: true };
const receiver = env.MODE === 'socket'
  ? new SocketModeReceiver({ appToken: env.APP_TOKEN, installerOptions: { clientOptions } })
  : new HTTPReceiver({ signingSecret: env.SIGNING_SECRET, port: 0, endpoints: ['/slack/events', '/slack/commands', '/slack/interactions'] });
const app = new App({ token: env.BOT_TOKEN, receiver, clientOptions });

const plain = (text) => ({ type: 'plain_text', text });
const form = {
  type: 'modal', callback_id: 'form', title: plain('Post'), submit: plain('Send'),
  blocks: [
    { type: 'input', block_id: 'who', label: plain('Who'), element: { type: 'external_select', action_id: 'who', min_query_length: 0 } },
    { type: 'input', block_id: 'text', label: plain('Text'), element: { type: 'plain_text_input', action_id: 't' } },
  ],
};

// refusals names the error of each wrong call.
async function refusals(client) {
  const channel = env.CHANNEL;
  const calls = {
    channel_not_found: () => client.chat.postMessage({ channel: 'C404', text: 'x' }),
    message_not_found: () => client.chat.update({ channel, ts: '1.000000', text: 'x' }),
    missing_scope: () => client.users.info({ user: 'U1' }),
    invalid_blocks: () => client.chat.postEphemeral({ channel, user: env.PERSON, text: 'x', blocks: [{ type: 'section' }] }),
    invalid_arguments: () => client.views.publish({ user_id: env.PERSON, view: { type: 'home', blocks: [{ type: 'section' }] } }),
    invalid_trigger_id: () => client.views.open({ trigger_id: '1.2.3', view: form }),
  };
  const wrong = [];
  for (const [want, call] of Object.entries(calls)) {
    const got = await call().then(() => 'ok', (e) => (e.data ? e.data.error : e.code));
    if (got !== want) wrong.push(`${want}: ${got}`);
  }
  return wrong.join(', ') || 'all refused';
}

app.command('/ia', async ({ command, ack, client, respond, body }) => {
  await ack();
  if (command.text === 'form') await client.views.open({ trigger_id: body.trigger_id, view: form });
  else if (command.text === 'refusals') await respond({ text: await refusals(client) });
  else await respond({ text: 'you typed ' + command.text });
});
app.action('reply', async ({ ack, respond }) => { await ack(); await respond({ text: 'pressed', replace_original: true }); });
app.options('who', async ({ ack }) => { await ack({ options: [{ text: plain('Ann'), value: 'ann' }] }); });
app.view('form', async ({ ack, view, client }) => {
  const text = view.state.values.text.t.value;
  if (text === 'bad') return ack({ response_action: 'errors', errors: { text: 'no' } });
  await ack();
  return client.chat.postMessage({ channel: env.CHANNEL, text: 'form: ' + text });
});
app.message('ping', async ({ message, client }) => { await client.chat.postMessage({ channel: message.channel, text: 'pong', thread_ts: message.ts }); });
app.event('app_home_opened', async ({ event, client }) => {
  await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [{ type: 'header', text: plain('Home') }] } });
});

app.start().then((server) => console.log('READY ' + (server && server.address ? server.address().port : 0)));
