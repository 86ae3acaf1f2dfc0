// Business rule of ServiceNow that tells Vigil of every change of an incident.
//
//   Table: Incident; When: async; Insert, Update and Delete: yes; Advanced: yes
//   System properties (sys_properties.list): vigil.intake.url    https://your-host/in/servicenow
//                                            vigil.intake.secret the door's secret (type password2)
//
// An async rule runs after the transaction, so a slow or absent Vigil delays nobody; what fails is logged and
// closed by `vigil intake`'s dead letters or by loading the gap again.
(function executeRule(current, previous /*null when async*/) {
  var FIELDS = ['sys_id', 'number', 'sys_mod_count', 'sys_updated_on', 'short_description', 'priority', 'state',
    'hold_reason', 'assigned_to', 'assignment_group', 'caller_id', 'company', 'business_service', 'cmdb_ci',
    'contact_type'];
  // Labels as people see them, but for what is a key or a time.
  var RAW = { sys_id: true, number: true, sys_mod_count: true, sys_updated_on: true };

  function record(from) {
    var found = {};
    for (var i = 0; i < FIELDS.length; i++) {
      var name = FIELDS[i];
      found[name] = String((RAW[name] ? from.getValue(name) : from.getDisplayValue(name)) || '');
    }
    return found;
  }

  // What it was before this change: an async rule is not given `previous`, the history knows it.
  function before(now) {
    var was = JSON.parse(JSON.stringify(now));
    var audit = new GlideRecord('sys_audit');
    audit.addQuery('documentkey', current.getUniqueValue());
    audit.addQuery('record_checkpoint', current.getValue('sys_mod_count'));
    audit.query();
    while (audit.next()) {
      var name = audit.getValue('fieldname');
      if (name in was && !RAW[name]) {
        was[name] = displayOf(name, audit.getValue('oldvalue'));
      }
    }
    return was;
  }

  function displayOf(name, value) {
    var other = new GlideRecord(current.getTableName());
    other.initialize();
    other.setValue(name, value || '');
    return String(other.getDisplayValue(name) || '');
  }

  // Those of the ten minutes before as well: a change that came before this rule ran has moved `sys_updated_on`
  // past the comment that it runs for. Each has its id, and counts once.
  function comments() {
    var found = [];
    var since = new GlideDateTime(current.getValue('sys_updated_on'));
    since.addSeconds(-600);
    var entry = new GlideRecord('sys_journal_field');
    entry.addQuery('element_id', current.getUniqueValue());
    entry.addQuery('sys_created_on', '>=', since.getValue());
    entry.query();
    while (entry.next()) {
      found.push({
        id: entry.getValue('sys_id'),
        at: entry.getValue('sys_created_on'),
        public: entry.getValue('element') === 'comments',
        by: entry.getValue('sys_created_by'),
        by_caller: entry.getValue('sys_created_by') === String(current.caller_id.user_name)
      });
    }
    return found;
  }

  var now = record(current);
  var operation = String(current.operation());
  var body = JSON.stringify({
    table: current.getTableName(),
    operation: operation,
    current: now,
    previous: operation === 'update' ? before(now) : now,
    comments: comments()
  });

  var timestamp = String(Math.floor(new Date().getTime() / 1000));
  var secret = gs.getProperty('vigil.intake.secret');
  var key = GlideStringUtil.base64Encode(secret);
  var digest = new GlideCertificateEncryption().generateMac(key, 'HmacSHA256', timestamp + '.' + body);

  var request = new sn_ws.RESTMessageV2();
  request.setEndpoint(gs.getProperty('vigil.intake.url'));
  request.setHttpMethod('post');
  request.setRequestHeader('Content-Type', 'application/json');
  request.setRequestHeader('X-Vigil-Timestamp', timestamp);
  request.setRequestHeader('X-Vigil-Signature', 'sha256-base64=' + digest);
  request.setRequestBody(body);
  request.setHttpTimeout(10000);
  var answer = request.execute();
  if (answer.getStatusCode() >= 300) {
    gs.error('Vigil intake: ' + answer.getStatusCode() + ' for ' + now.number + ' (' + now.sys_mod_count + ')');
  }
})(current, previous);
