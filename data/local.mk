# SPDX-License-Identifier: GPL-2.0-or-later
# Files that are installed as they are, or with the directories filled in.

EXTRA_DIST += data/README.md data/inquest.conf data/sysusers.conf.in \
	data/inquest-keeper.service.in data/inquest-keeper.timer

fill_in = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) \
	-e 's|@bindir[@]|$(bindir)|g' \
	-e 's|@libexecdir[@]|$(libexecdir)|g' \
	-e 's|@localstatedir[@]|$(localstatedir)|g' \
	-e 's|@INQUEST_USER[@]|$(INQUEST_USER)|g' \
	-e 's|@ANALYZER_USER[@]|$(ANALYZER_USER)|g'

filled_in = data/sysusers.conf data/inquest-keeper.service
data/sysusers.conf: data/sysusers.conf.in Makefile
	$(fill_in) $(srcdir)/data/sysusers.conf.in > $@
data/inquest-keeper.service: data/inquest-keeper.service.in Makefile
	$(fill_in) $(srcdir)/data/inquest-keeper.service.in > $@
all-local: $(filled_in)
CLEANFILES += $(filled_in)

if WITH_SYSTEMD
systemdsystemunit_DATA = data/inquest-keeper.service data/inquest-keeper.timer
endif

# A configuration that is there is the administrator's: it is left alone, and removed only where it
# is still the shipped one.
confdir = $(sysconfdir)/inquest
dist_pkgdata_DATA = data/inquest.conf
install-data-local: $(filled_in)
	$(MKDIR_P) '$(DESTDIR)$(confdir)/conf.d' '$(DESTDIR)$(sysusersdir)'
	test -e '$(DESTDIR)$(confdir)/inquest.conf' || \
	  $(INSTALL_DATA) $(srcdir)/data/inquest.conf '$(DESTDIR)$(confdir)/inquest.conf'
	$(INSTALL_DATA) data/sysusers.conf '$(DESTDIR)$(sysusersdir)/inquest.conf'
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/inquest.conf'
	if cmp -s $(srcdir)/data/inquest.conf '$(DESTDIR)$(confdir)/inquest.conf'; then \
	  rm -f '$(DESTDIR)$(confdir)/inquest.conf'; fi
	-rmdir '$(DESTDIR)$(confdir)/conf.d' '$(DESTDIR)$(confdir)' 2>/dev/null
