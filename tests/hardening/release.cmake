# release.cmake - builds the programs as they are packaged, and the crowd that measures them, into BINARY.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  set(ENV{SOURCE_DATE_EPOCH} 1700000000) # the same packages each time
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BINARY} -G Ninja -D CMAKE_BUILD_TYPE=RelWithDebInfo
  -D BUILD_TESTING=ON -D ZCHAT_PACKAGES=ON -D CMAKE_INSTALL_PREFIX=/usr COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BINARY} -j 2 --target package_files crowd COMMAND_ERROR_IS_FATAL ANY)
