"""The dialplan of the wire tests. What is dialled is the port that the call is handed to."""

DIALPLAN = r"""
<context name="acme.example">
  <extension name="call"><condition field="destination_number" expression="^(\d+)$">
    <action application="set" data="stage=new"/>
    <action application="set" data="hangup_after_bridge=true"/>
    <action application="set" data="continue_on_fail=true"/>
    <action application="socket" data="127.0.0.1:1|127.0.0.1:$1 full"/>
    <action application="set" data="after=first"/>
    <action application="socket" data="127.0.0.1:$1 full"/>
    <action application="hangup" data="OUTGOING_CALL_BARRED"/>
  </condition></extension>
  <extension name="restricted"><condition field="destination_number" expression="^restricted-(\d+)$">
    <action application="socket" data="127.0.0.1:$1"/>
    <action application="hangup" data="USER_BUSY"/>
  </condition></extension>
  <extension name="nothing-left"><condition field="destination_number" expression="^nothing-left$">
    <action application="set" data="a=1"/>
  </condition></extension>
  <extension name="unknown-application"><condition field="destination_number" expression="^unknown$">
    <action application="no_such_application" data="1"/>
  </condition></extension>
  <extension name="nobody-listens"><condition field="destination_number" expression="^nobody-listens$">
    <action application="socket" data="127.0.0.1:1 full"/>
    <action application="respond" data="483 Too Many Hops"/>
  </condition></extension>
</context>

<context name="conditions">
  <extension name="first" continue="true">
    <condition field="destination_number" expression="^(x)(\d+)?">
      <action application="set" data="captured=$1-$2-$3."/>
      <anti-action application="set" data="first=no"/>
    </condition>
    <condition field="${stage}" expression="^new$" break="on-true">
      <action application="set" data="second=${stage}"/>
    </condition>
    <condition><action application="set" data="third=yes"/></condition>
  </extension>
  <extension name="never" continue="true">
    <condition field="destination_number" expression="^nothing$" break="never">
      <anti-action application="set" data="fourth=anti"/>
    </condition>
    <condition field="${stage}" expression="^(?!new$)"><action application="set" data="fifth=yes"/></condition>
  </extension>
  <extension name="nested" continue="true">
    <condition field="destination_number" expression="^x">
      <condition field="${nothing}" expression="^$"><action application="set" data="nested=yes"/></condition>
    </condition>
  </extension>
  <extension name="any" continue="true">
    <condition regex="any">
      <regex field="destination_number" expression="^y"/>
      <regex field="caller_id_number" expression="^(10\d)$"/>
      <action application="set" data="any=$1"/>
    </condition>
  </extension>
  <extension name="inline" continue="true">
    <condition><action application="set" data="seen_by_hunt=yes" inline="true"/></condition>
  </extension>
  <extension name="after-inline">
    <condition field="${seen_by_hunt}" expression="^yes$">
      <action application="set" data="inline=${seen_by_hunt}"/>
    </condition>
  </extension>
  <extension name="too-late">
    <condition><action application="set" data="too_late=yes"/></condition>
  </extension>
</context>

<context name="hunted">
  <extension name="unknown"><condition><action application="set" data="hunted=unknown"/></condition></extension>
  <extension name="6564291310"><condition><action application="set" data="hunted=named"/></condition></extension>
</context>
"""
